/** What the kinds of export are, how large they get and how they are loaded. Pure. */
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import {
  type ExportKind,
  exportRefusal,
  methodTraits,
  type Refusal,
} from '../../../../electron/shared/spec/method-traits.ts';
import type { Method, MethodType } from '../../../../electron/shared/spec/methods.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';

export type { ExportKind };

export interface KindInfo {
  kind: ExportKind;
  title: string;
  text: string;
  loads: string;
  /** Why this run cannot be written so; null: it can. */
  refusal: Refusal | null;
}

function adapterInfo(type: MethodType): Omit<KindInfo, 'refusal'> {
  const { adapter, plainLora } = methodTraits(type);
  const own = adapter === 'own';
  return {
    kind: 'adapter',
    title: own ? 'Adapter (Collie)' : 'Adapter (PEFT)',
    text: 'Only what was trained, as a small folder. It needs the base model beside it, and several adapters can share one.',
    loads: own
      ? 'Collie Workbench'
      : `Hugging Face PEFT${plainLora ? '; vLLM; llama.cpp after convert_lora_to_gguf.py' : ''}`,
  };
}

function mergedInfo(quantization: RunSpec['quantization']): Omit<KindInfo, 'refusal'> {
  const into =
    quantization === 'nf4'
      ? ' The training saw a base in 4 bits; it is merged into the base model in 16 bits, as weights in 4 bits cannot be changed.'
      : '';
  return {
    kind: 'merged',
    title: 'Merged model',
    text: `The whole model with the training folded into its weights, as a Hugging Face folder. It needs nothing else.${into}`,
    loads: 'transformers; vLLM; llama.cpp after convert_hf_to_gguf.py',
  };
}

/** Both kinds, for a run with these settings. */
export function kindInfos({ method, quantization }: Pick<RunSpec, 'method' | 'quantization'>): KindInfo[] {
  return [adapterInfo(method.type), mergedInfo(quantization)].map((info) => ({
    ...info,
    refusal: exportRefusal(method.type, info.kind),
  }));
}

/** About how many bytes an export takes; null when that is not known. Adapters are written in fp32. */
export function estimateBytes(
  kind: ExportKind,
  method: Method,
  trainableParams: number | null,
  model: Pick<ModelCard, 'sizeBytes'> | null,
): number | null {
  if (kind === 'merged') return model?.sizeBytes ?? null;
  const { adapterFactor: factor = 1 } = methodTraits(method.type);
  return trainableParams === null || factor === null ? null : trainableParams * 4 * factor;
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
