/** README.md of an exported folder: what it is, from what, and how to load it elsewhere. */
import { basename } from 'node:path';
import type { ExportRecord } from '../../shared/api/export-record.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import {
  cardNote,
  methodInSentence,
  methodTitle,
  methodTraits,
  optimizerTitle,
  whatIsTrained,
} from '../../shared/spec/method-traits.ts';
import type { MethodType } from '../../shared/spec/methods.ts';
import { globalBatch, type RunSpec } from '../../shared/spec/run-spec.ts';

export interface CardInput {
  kind: ExportRecord['kind'];
  checkpoint: string;
  spec: RunSpec;
  status: RunStatus;
}

export function modelCard({ kind, checkpoint, spec, status }: CardInput): string {
  const base = basename(spec.model);
  const { type } = spec.method;
  const title = methodTitle(type);
  return [
    '---',
    ...frontMatter(kind, type, base),
    '---',
    '',
    `# ${status.name}`,
    '',
    `${kind === 'adapter' ? `An adapter (${title}) for` : 'A fine-tuned version of'} **${base}**, made with Collie Workbench.`,
    ...remarks(kind, spec),
    '',
    ...facts(checkpoint, spec, status),
    '',
    '## How to load it',
    '',
    ...(kind === 'adapter' ? loadAdapter(type, spec.model) : loadMerged()),
    '',
  ].join('\n');
}

function frontMatter(kind: ExportRecord['kind'], type: MethodType, base: string): string[] {
  if (kind === 'merged')
    return ['library_name: transformers', 'pipeline_tag: text-generation', 'tags: [collie-workbench]'];
  const tags = `tags: [${type.replaceAll('_', '-')}, collie-workbench]`;
  const peft = methodTraits(type).adapter === 'peft';
  return [...(peft ? ['library_name: peft'] : []), `base_model: ${yaml(base)}`, tags];
}

/** What surprises about this export, if anything. */
function remarks(kind: ExportRecord['kind'], { method, quantization }: RunSpec): string[] {
  const note = cardNote(method, kind);
  const found = note === null ? [] : [note];
  if (quantization === 'nf4')
    found.push(
      kind === 'merged'
        ? 'It was trained beside a base in 4 bits (nf4) and merged into the base in 16 bits, because 4-bit weights cannot be changed.'
        : 'It was trained beside a base in 4 bits (nf4) and fits the base in 16 bits as well.',
    );
  return found.flatMap((text) => ['', text]);
}

function facts(checkpoint: string, spec: RunSpec, status: RunStatus): string[] {
  const { method, optimizer, batch } = spec;
  const targets = 'target_modules' in method ? `, on ${method.target_modules.join(', ')}` : '';
  const how = `${methodTitle(method.type)}: ${whatIsTrained(method)}${alphaOf(method)}${targets}`;
  const rows: [string, string][] = [
    ['Checkpoint', checkpoint],
    ['Method', how],
    [
      'Optimizer',
      `${optimizerTitle(optimizer.type)}, learning rate ${optimizer.learning_rate}, ${spec.schedule.type} schedule`,
    ],
    [
      'Batch',
      `${globalBatch(spec).sequences} sequences of up to ${batch.seq_len} tokens (micro-batch ${batch.micro_batch_size}, accumulation ${batch.grad_accum_steps}, data-parallel ranks ${spec.parallel.dp_size})`,
    ],
    ['Precision', spec.precision],
    ['Training data', basename(spec.dataset.train)],
    ['Evaluation loss', status.lastEvalLoss?.toFixed(4) ?? 'not measured'],
  ];
  return [
    '| | |',
    '| --- | --- |',
    ...rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|')} |`),
  ];
}

const alphaOf = (method: RunSpec['method']) => ('alpha' in method ? `, alpha ${method.alpha}` : '');

function loadAdapter(type: MethodType, model: string): string[] {
  if (methodTraits(type).adapter === 'own')
    return [
      `PEFT has no format for ${methodInSentence(type)}, so other programs cannot load this folder. In Collie Workbench, chat with the run in the playground.`,
    ];
  return [
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    `base = AutoModelForCausalLM.from_pretrained(${JSON.stringify(model)})`,
    'model = PeftModel.from_pretrained(base, ".")  # this folder',
    'tokenizer = AutoTokenizer.from_pretrained(".")',
    '```',
    '',
    'The adapter fits any copy of the base model: name another path or hub id if yours lies elsewhere.',
  ];
}

function loadMerged(): string[] {
  return [
    '```python',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    '',
    'model = AutoModelForCausalLM.from_pretrained(".")  # this folder',
    'tokenizer = AutoTokenizer.from_pretrained(".")',
    '```',
  ];
}

const yaml = (text: string) => JSON.stringify(text);
