/** How the form groups the fields of a RunSpec. A field no section claims lands in the last one, never nowhere. */
import { type SpecField, specFields, specGroups } from '../../../../electron/shared/spec/spec-fields.ts';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly fields: readonly SpecField[];
}

/** What the index lists: a few sections that belong together. */
export interface Part {
  readonly id: string;
  readonly title: string;
  readonly sections: readonly Section[];
}

/** Paths of fields, or of groups with all that is in them, in the order of the form. */
const plan: readonly {
  part: string;
  title: string;
  sections: readonly { id: string; title: string; paths: readonly string[] }[];
}[] = [
  {
    part: 'model',
    title: 'Model',
    sections: [{ id: 'model', title: 'Model', paths: ['model', 'name'] }],
  },
  { part: 'data', title: 'Data', sections: [{ id: 'dataset', title: 'Dataset', paths: ['dataset'] }] },
  {
    part: 'method',
    title: 'Method',
    sections: [{ id: 'method', title: 'Method', paths: ['method', 'quantization'] }],
  },
  {
    part: 'training',
    title: 'Training',
    sections: [
      { id: 'optimizer', title: 'Optimizer', paths: ['optimizer', 'max_grad_norm'] },
      { id: 'batch', title: 'Batch and length', paths: ['batch', 'activation_checkpointing'] },
      { id: 'duration', title: 'Duration and schedule', paths: ['duration', 'schedule'] },
    ],
  },
  {
    part: 'watch',
    title: 'Watch',
    sections: [
      {
        id: 'evaluation',
        title: 'Evaluation and checkpoints',
        paths: ['evaluation', 'checkpoint', 'sampling'],
      },
      { id: 'callbacks', title: 'Callbacks', paths: ['callbacks'] },
    ],
  },
  {
    part: 'machine',
    title: 'Machine',
    sections: [
      {
        id: 'precision',
        title: 'Device and precision',
        paths: ['device', 'precision', 'threads', 'seed'],
      },
      { id: 'parallel', title: 'Parallel', paths: ['parallel', 'recovery', 'hosts'] },
    ],
  },
];

/** What the simple form shows: what most runs decide. Whatever else was changed, or is wrong, is shown beside it. */
const simplePaths: readonly string[] = [
  'model',
  'name',
  'dataset.train',
  'dataset.eval',
  'dataset.mapping',
  'method.type',
  'method.rank',
  'quantization',
  'optimizer.learning_rate',
  'batch.micro_batch_size',
  'batch.grad_accum_steps',
  'batch.seq_len',
  'duration',
  'evaluation.every_steps',
  'evaluation.sets',
  'sampling.prompts',
  'device',
];

const inside = (path: string, group: string) => path === group || path.startsWith(`${group}.`);

export const isSimple = ({ path, meta }: SpecField): boolean =>
  !meta.advanced && simplePaths.some((simple) => inside(path, simple));

function build(): Part[] {
  const left = new Set(specFields());
  const parts = plan.map(({ part, title, sections }) => ({
    id: part,
    title,
    sections: sections.map(({ id, title, paths }) => {
      const fields = paths.flatMap((path) => [...left].filter((field) => inside(field.path, path)));
      for (const field of fields) left.delete(field);
      const help = specGroups().find((group) => group.path === id)?.meta.help ?? '';
      return { id, title, help, fields };
    }),
  }));
  parts
    .at(-1)
    ?.sections.at(-1)
    ?.fields.push(...left);
  return parts;
}

export const parts: readonly Part[] = build();
export const sections: readonly Section[] = parts.flatMap((part) => part.sections);

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

export const partOf = (path: string): Part | null => {
  const section = sectionOf(path);
  return section && (parts.find((part) => part.sections.includes(section)) ?? null);
};

/** Id of the element that a link to a field goes to. */
export const fieldId = (path: string) => `field-${path.replaceAll('.', '-')}`;
/** Id of the element that the index goes to. */
export const partId = (id: string) => `part-${id}`;
