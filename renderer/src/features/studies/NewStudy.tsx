/** One kind of study: on which models and data, of which methods and optimizers, and the time that it takes. */
import { Button, Group, MultiSelect, NumberInput, Stack, TagsInput, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconStack2 } from '@tabler/icons-react';
import { useState } from 'react';
import { layoutName } from '../../../../electron/shared/spec/layouts.ts';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import { type StudyKind, studyTitles } from '../../../../electron/shared/spec/study.ts';
import { href, navigate } from '../../app/route.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatBytes, formatEta, plural } from '../../components/format.ts';
import { useClient, useStore } from '../../store/context.tsx';
import { useAnswer } from '../compare/use-answer.ts';
import sweeps from '../sweeps/Sweeps.module.css';
import { DataFields } from './DataFields.tsx';
import { SweepFields } from './SweepFields.tsx';
import { layouts, useStudyForm } from './use-study-form.ts';

/** With the names that the rest of the workbench has for them. */
const choices = (path: string) =>
  (specFields().find((field) => field.path === path)?.options ?? []).map(({ value, title }) => ({
    value,
    label: title,
  }));
const methods = choices('method.type');
const optimizers = choices('optimizer.type');

/** Milliseconds after the last change. */
const PATIENCE = 600;

export function NewStudy({ kind }: { kind: StudyKind }) {
  const { title, help } = studyTitles[kind];
  const [open, setOpen] = useState(false);
  return (
    <section className={sweeps.card} aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        {help}
      </Text>
      {open ? (
        <Form kind={kind} />
      ) : (
        <Button variant="default" onClick={() => setOpen(true)}>
          Set up
        </Button>
      )}
    </section>
  );
}

function Form({ kind }: { kind: StudyKind }) {
  const { form, change, chosen, data, models, datasets, study } = useStudyForm(kind);
  const client = useClient();
  const report = useStore((s) => s.report);
  const load = useStore((s) => s.loadSweeps);
  const ready = chosen.length > 0 && data.length > 0;
  const [asked] = useDebouncedValue(ready ? JSON.stringify(study) : null, PATIENCE);
  const {
    data: preview,
    error,
    waiting,
  } = useAnswer('studies.preview', asked === null ? null : { study: JSON.parse(asked) });
  async function start() {
    try {
      const { id } = await client.call('studies.start', { study });
      await load();
      navigate(href('studies', id));
    } catch (thrown) {
      report('The study was not queued', thrown);
    }
  }
  return (
    <Stack gap="xs">
      <MultiSelect
        label="Models"
        data={models.map(({ id, name }) => ({ value: id, label: name }))}
        value={chosen}
        onChange={(next) => change({ models: next })}
      />
      {kind !== 'quality' && (
        <TagsInput
          label="Also with so many layers"
          description="The shape of each model with random weights, which memory and speed do not feel."
          placeholder="10, 60"
          splitChars={[',', ' ']}
          acceptValueOnBlur
          value={form.layers}
          onChange={(layers) => change({ layers: layers.filter((one) => Number(one) > 0) })}
        />
      )}
      <DataFields kind={kind} datasets={datasets} data={data} form={form} onChange={change} />
      <MultiSelect
        label="Methods"
        data={methods}
        value={form.methods}
        onChange={(next) => change({ methods: next })}
      />
      <MultiSelect
        label="Optimizers"
        data={optimizers}
        value={form.optimizers}
        onChange={(next) => change({ optimizers: next })}
      />
      {kind === 'throughput' && (
        <MultiSelect
          label="Layouts"
          searchable
          data={layouts.map(layoutName)}
          value={form.layouts}
          onChange={(next) => change({ layouts: next })}
        />
      )}
      {kind === 'quality' && <SweepFields form={form} onChange={change} />}
      <Group grow align="end">
        <NumberInput
          label="Steps of each run"
          min={1}
          allowDecimal={false}
          value={form.steps}
          onChange={(steps) => typeof steps === 'number' && change({ steps })}
        />
        <NumberInput
          label="Sequence length"
          min={8}
          max={131072}
          allowDecimal={false}
          value={form.seqLen}
          onChange={(seqLen) => typeof seqLen === 'number' && change({ seqLen })}
        />
      </Group>
      {!ready && (
        <Text size="sm">
          It needs a model and a dataset whose columns are known: see Models and Datasets.
        </Text>
      )}
      {error && <ErrorView title="This study cannot be made" info={error} />}
      <Group justify="space-between" mt="xs">
        <Text size="sm" c="dimmed" role="status">
          {waiting && ready ? 'Counting the runs…' : preview ? ahead(preview) : ''}
        </Text>
        <Button
          leftSection={<IconStack2 size={16} aria-hidden />}
          disabled={!ready || waiting || !preview || preview.runs === 0}
          onClick={() => void start()}
        >
          Queue it
        </Button>
      </Group>
    </Stack>
  );
}

function ahead(preview: {
  runs: number;
  totalSeconds: number | null;
  mostMemoryBytes: number | null;
}): string {
  const { runs, totalSeconds, mostMemoryBytes } = preview;
  const time = totalSeconds === null ? '' : `, ${formatEta(totalSeconds)}`;
  return `${plural(runs, 'run')}${time}${mostMemoryBytes === null ? '' : `, at most ${formatBytes(mostMemoryBytes)}`}`;
}
