/** README.md of an exported folder: what it is, from what, and how to load it elsewhere. */
import { basename } from 'node:path';
import type { ExportRecord } from '../../shared/entities.ts';
import type { RunStatus } from '../../shared/events.ts';
import type { RunSpec } from '../../shared/run-spec.ts';

export interface CardInput {
  kind: ExportRecord['kind'];
  checkpoint: string;
  spec: RunSpec;
  status: RunStatus;
}

export function modelCard({ kind, checkpoint, spec, status }: CardInput): string {
  const base = basename(spec.model);
  const front =
    kind === 'adapter'
      ? ['library_name: peft', `base_model: ${yaml(base)}`, 'tags: [lora, collie-workbench]']
      : ['library_name: transformers', 'pipeline_tag: text-generation', 'tags: [collie-workbench]'];
  return [
    '---',
    ...front,
    '---',
    '',
    `# ${status.name}`,
    '',
    `${kind === 'adapter' ? 'A LoRA adapter for' : 'A fine-tuned version of'} **${base}**, made with Collie Workbench.`,
    '',
    ...facts(checkpoint, spec, status),
    '',
    '## How to load it',
    '',
    ...(kind === 'adapter' ? loadAdapter(spec.model) : loadMerged()),
    '',
  ].join('\n');
}

function facts(checkpoint: string, spec: RunSpec, status: RunStatus): string[] {
  const { method, optimizer, batch } = spec;
  const how =
    method.type === 'lora'
      ? `LoRA, rank ${method.rank}, alpha ${method.alpha}, on ${method.target_modules.join(', ')}`
      : 'full fine-tuning';
  const rows: [string, string][] = [
    ['Checkpoint', checkpoint],
    ['Method', how],
    [
      'Optimizer',
      `${optimizer.type}, learning rate ${optimizer.learning_rate}, ${spec.schedule.type} schedule`,
    ],
    [
      'Batch',
      `${batch.micro_batch_size} x ${batch.grad_accum_steps} sequences of up to ${batch.seq_len} tokens`,
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

function loadAdapter(model: string): string[] {
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
