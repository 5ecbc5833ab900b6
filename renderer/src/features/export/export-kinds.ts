/** What the kinds of export are, how large they get and how they are loaded. Pure. */
import type { ModelCard } from '../../../../electron/shared/entities.ts';
import type { RunSpec } from '../../../../electron/shared/run-spec.ts';

export type ExportKind = 'adapter' | 'merged';

export interface KindInfo {
  kind: ExportKind;
  title: string;
  text: string;
  loads: string;
}

export const kindInfos: readonly KindInfo[] = [
  {
    kind: 'adapter',
    title: 'Adapter (PEFT)',
    text: 'Only what was trained, as a small folder. It needs the base model beside it, and several adapters can share one.',
    loads: 'Hugging Face PEFT; vLLM; llama.cpp after convert_lora_to_gguf.py',
  },
  {
    kind: 'merged',
    title: 'Merged model',
    text: 'The whole model with the training folded into its weights, as a Hugging Face folder. It needs nothing else.',
    loads: 'transformers; vLLM; llama.cpp after convert_hf_to_gguf.py',
  },
];

/** Full fine-tuning has no adapter. */
export const kindsFor = (method: RunSpec['method']['type']): readonly ExportKind[] =>
  method === 'lora' ? ['adapter', 'merged'] : ['merged'];

/**
 * About how many bytes an export takes; null when that is not known. A checkpoint of AdamW holds the trained weights and
 * two moments of the same size, so the weights are a third of it.
 */
export function estimateBytes(
  kind: ExportKind,
  checkpointBytes: number | undefined,
  model: Pick<ModelCard, 'sizeBytes'> | null,
): number | null {
  if (kind === 'merged') return model?.sizeBytes ?? null;
  return checkpointBytes === undefined ? null : Math.round(checkpointBytes / 3);
}

const python = (text: string) => JSON.stringify(text);

/** A few lines of Python that load what was exported to `path`. */
export function loadSnippet(kind: ExportKind, path: string, basePath: string): string {
  const tokenizer = `tokenizer = AutoTokenizer.from_pretrained(${python(path)})`;
  if (kind === 'merged')
    return [
      'from transformers import AutoModelForCausalLM, AutoTokenizer',
      '',
      tokenizer,
      `model = AutoModelForCausalLM.from_pretrained(${python(path)})`,
    ].join('\n');
  return [
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    tokenizer,
    `model = AutoModelForCausalLM.from_pretrained(${python(basePath)})`,
    `model = PeftModel.from_pretrained(model, ${python(path)})`,
  ].join('\n');
}

/** The first free folder name is the host's to choose; this says where it will be. */
export const defaultDestination = (runPath: string, kind: ExportKind, step: number): string =>
  `${runPath}/export/${kind}-${step}`;
