/** How the form groups the fields of a RunSpec. A field no section claims lands in the last one, never nowhere. */
import { type SpecField, specFields, specGroups } from '../../../../electron/shared/spec/spec-fields.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly fields: readonly SpecField[];
}

/** Paths of fields, or of groups with all that is in them, in the order of the form. */
const plan: readonly { id: string; title: string; paths: readonly string[] }[] = [
  { id: 'model', title: 'Model', paths: ['model', 'name'] },
  { id: 'dataset', title: 'Dataset', paths: ['dataset'] },
  { id: 'method', title: 'Method', paths: ['method', 'quantization'] },
  { id: 'optimizer', title: 'Optimizer', paths: ['optimizer', 'max_grad_norm'] },
  { id: 'batch', title: 'Batch and length', paths: ['batch', 'activation_checkpointing'] },
  { id: 'duration', title: 'Duration and schedule', paths: ['duration', 'schedule'] },
  {
    id: 'evaluation',
    title: 'Evaluation and checkpoints',
    paths: ['evaluation', 'checkpoint', 'sampling'],
  },
  { id: 'precision', title: 'Precision and device', paths: ['precision', 'device', 'threads', 'seed'] },
  { id: 'parallel', title: 'Parallel', paths: ['parallel', 'recovery', 'hosts'] },
];

const inside = (path: string, group: string) => path === group || path.startsWith(`${group}.`);

function build(): Section[] {
  const left = new Set(specFields());
  const sections = plan.map(({ id, title, paths }) => {
    const fields = paths.flatMap((path) => [...left].filter((field) => inside(field.path, path)));
    for (const field of fields) left.delete(field);
    const help = specGroups().find((group) => group.path === id)?.meta.help ?? '';
    return { id, title, help, fields };
  });
  const last = sections.at(-1);
  if (last) last.fields.push(...left);
  return sections;
}

export const sections: readonly Section[] = build();

/** The section a dotted path belongs to, for fields as for whole groups; null for the spec as a whole. */
export function sectionOf(path: string): Section | null {
  if (path === '') return null;
  return (
    sections.find((s) => s.fields.some((f) => inside(path, f.path))) ??
    sections.find((s) => s.fields.some((f) => inside(f.path, path))) ??
    sections.at(-1) ??
    null
  );
}

/** Id of the element that a link to a field goes to. */
export const fieldId = (path: string) => `field-${path.replaceAll('.', '-')}`;
