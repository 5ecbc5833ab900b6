/** docs/methods.md and docs/optimizers.md: what there is to choose from, made from the schema by `npm run docs:spec`. */

import { recommendedRate, usualRate } from '../../shared/spec/learning-rates.ts';
import { exportKinds, methodTraits } from '../../shared/spec/method-traits.ts';
import type { MethodType } from '../../shared/spec/methods.ts';
import { exclusions } from '../../shared/spec/rules.ts';
import { type FieldOption, type SpecField, specFields } from '../../shared/spec/spec-fields.ts';

const field = (path: string) => specFields().find((one) => one.path === path) as SpecField;

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const table = (head: readonly string[], rows: readonly string[][]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const paper = ({ paper: source }: FieldOption) => (source ? `[${source.title}](${source.url})` : '');

/** Options by family, families in the order of the schema. */
function families(options: readonly FieldOption[]): [string, FieldOption[]][] {
  const found = new Map<string, FieldOption[]>();
  for (const option of options) {
    const family = option.family ?? 'Others';
    found.set(family, [...(found.get(family) ?? []), option]);
  }
  return [...found];
}

/** "{rank}" reads "its rank" where no run is meant. */
const general = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, key: string) => `\`${key}\``);

function exportsOf(type: MethodType): string {
  const { adapter, notMergeable } = methodTraits(type);
  const names: Record<string, string> = {
    adapter: adapter === 'peft' ? 'adapter in PEFT format' : 'adapter of this workbench only',
    merged: 'merged model',
  };
  const kinds = exportKinds(type).map((kind) => names[kind]);
  return `${kinds.join(', ')}${notMergeable ? ` (not merged: ${notMergeable})` : ''}`;
}

function quantizationOf(type: MethodType): string {
  const no = exclusions.find((one) => one.type === type && one.feature === 'quantization');
  return no ? `no, ${no.because}` : 'yes';
}

function methodPart(option: FieldOption): string {
  const type = option.value as MethodType;
  const traits = methodTraits(type);
  const { low, start, high } = usualRate(type, 'adamw');
  return [
    `### \`${type}\`: ${option.title}`,
    option.help,
    [
      `- **Trains** ${general(traits.trains)}.`,
      `- **Cost**: ${traits.cost}`,
      `- **When**: ${traits.choose}`,
      `- **Learning rate** with AdamW: ${start} is recommended; usual are ${low} to ${high}.`,
      `- **Base in 4 bits** (\`quantization\`: \`nf4\`): ${quantizationOf(type)}.`,
      `- **Exports**: ${exportsOf(type)}.`,
      ...(option.paper ? [`- **Paper**: ${paper(option)}`] : []),
    ].join('\n'),
  ].join('\n\n');
}

const GENERATED =
  'This page is made from `electron/shared` by `npm run docs:spec`: do not edit it by hand. Every setting is in [spec.md](spec.md).';

export function methodsMarkdown(): string {
  const options = field('method.type').options ?? [];
  const overview = table(
    ['`method.type`', 'trains', 'exports', 'paper'],
    options.map((option) => [
      `\`${option.value}\``,
      general(methodTraits(option.value as MethodType).trains),
      exportsOf(option.value as MethodType).replace(/ \(.*/, ''),
      paper(option),
    ]),
  );
  const parts = families(options).flatMap(([family, members]) => [
    `## ${family}`,
    ...members.map(methodPart),
  ]);
  return `${[
    '# Methods',
    `Which weights a run trains, and how: \`method.type\`. What a method costs with your model (trainable parameters, adapter size, memory)
shows in the form before the start, and in \`collie validate\`. ${GENERATED}`,
    overview,
    ...parts,
  ].join('\n\n')}\n`;
}

export function optimizersMarkdown(): string {
  const choice = field('optimizer.type');
  const rows = (choice.options ?? []).map((option) => {
    const own = specFields().filter(
      (one) =>
        one.when?.path === choice.path && one.when.equals === option.value && one.key !== 'learning_rate',
    );
    return [
      `\`${option.value}\``,
      `${option.title}. ${option.help}`,
      `${recommendedRate('lora', option.value)} / ${recommendedRate('full', option.value)}`,
      own.map((one) => `\`${one.key}\``).join(', ') || 'none',
      paper(option),
    ];
  });
  return `${[
    '# Optimizers',
    `The update rule: \`optimizer.type\`. Learning rates are the recommended ones, which a run takes whose \`learning_rate\` is null or left out. ${GENERATED}`,
    table(
      ['`optimizer.type`', 'what it is', 'learning rate: LoRA / all weights', 'further settings', 'paper'],
      rows,
    ),
  ].join('\n\n')}\n`;
}
