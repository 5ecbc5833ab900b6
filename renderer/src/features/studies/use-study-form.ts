/** What a study is made of in the form, and the study that comes of it. */
import { useState } from 'react';
import {
  type Layout,
  layoutName,
  layoutSchema,
  layoutsToChoose,
} from '../../../../electron/shared/spec/layouts.ts';
import { type StudyKind, studyDefaults } from '../../../../electron/shared/spec/study.ts';
import { useStore } from '../../store/context.tsx';

/** Those of a dataset: null and 0 where quality is judged on a part of its own rows. */
export interface Judged {
  eval: string | null;
  answers: number;
}

export interface StudyForm {
  models: string[] | null;
  data: string[] | null;
  judged: Readonly<Record<string, Judged>>;
  layers: string[];
  methods: string[];
  optimizers: string[];
  /** By name. */
  layouts: string[];
  rates: string[];
  seeds: string[];
  steps: number;
  seqLen: number;
}

export const layouts: readonly Layout[] = layoutsToChoose();

function initial(kind: StudyKind): StudyForm {
  const defaults = studyDefaults(kind);
  return {
    ...{ models: null, data: null, judged: {}, layers: [] },
    ...{ methods: [...(defaults.methods ?? [])], optimizers: [...(defaults.optimizers ?? [])] },
    layouts: (defaults.layouts ?? []).map((one) => layoutName(layoutSchema.parse(one))),
    ...{ rates: (defaults.rates ?? []).map(String), seeds: (defaults.seeds ?? []).map(String) },
    ...{ steps: defaults.steps, seqLen: defaults.seq_len },
  };
}

export function useStudyForm(kind: StudyKind) {
  const models = useStore((s) => s.models) ?? [];
  const datasets = useStore((s) => s.datasets)?.filter(({ mapping }) => mapping !== null) ?? [];
  const [form, setForm] = useState(() => initial(kind));
  const chosen = form.models ?? models.slice(0, 1).map(({ id }) => id);
  const named = form.data ?? datasets.slice(0, 1).map(({ id }) => id);
  const data = named.flatMap((id) => datasets.find((one) => one.id === id) ?? []);
  const study = {
    ...{ kind, ...studyDefaults(kind), steps: form.steps, seq_len: form.seqLen },
    ...{ methods: form.methods, optimizers: form.optimizers },
    layouts: layouts.filter((one) => form.layouts.includes(layoutName(one))),
    ...{ rates: form.rates.map(Number), seeds: form.seeds.map(Number) },
    models: chosen.map((id) => `library:${id}`),
    layers: form.layers.map(Number),
    data: data.map(({ id, mapping }) => {
      const { eval: held, answers } = form.judged[id] ?? { eval: null, answers: 0 };
      const judged = held === null ? {} : { eval: `library:${held}`, answered_rows: answers };
      return { train: `library:${id}`, mapping, ...judged };
    }),
  };
  const change = (part: Partial<StudyForm>) => setForm((before) => ({ ...before, ...part }));
  return { form, change, chosen, data, models, datasets, study };
}
