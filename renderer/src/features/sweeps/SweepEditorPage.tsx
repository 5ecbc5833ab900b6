/** Making a sweep, or adding to one: what changes at the left, every point it makes at the right. */
import { Alert, Skeleton, Stack, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { SweepRecord } from '../../../../electron/shared/runs/sweep-record.ts';
import { sweepSchema } from '../../../../electron/shared/spec/sweep.ts';
import { href, navigate } from '../../app/route.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { Page } from '../../components/Page.tsx';
import { useStore } from '../../store/context.tsx';
import { draftOf, type SweepDraft, sweepOf } from '../../store/sweep-draft.ts';
import { useAnswer } from '../compare/use-answer.ts';
import { BaseSettings } from './BaseSettings.tsx';
import { ConstraintRows } from './ConstraintRows.tsx';
import { EarlyFields } from './EarlyFields.tsx';
import { SearchFields } from './SearchFields.tsx';
import { SettingList } from './SettingList.tsx';
import { SweepPreviewPanel } from './SweepPreviewPanel.tsx';
import classes from './Sweeps.module.css';

type Spec = Readonly<Record<string, unknown>>;

export function SweepEditorPage({ id }: { id: string | null }) {
  return id === null ? <NewSweep /> : <Existing id={id} />;
}

function NewSweep() {
  const draft = useStore((s) => s.sweepDraft);
  const change = useStore((s) => s.changeSweepDraft);
  const spec = useStore((s) => s.draft);
  const add = useStore((s) => s.addSweep);
  const announce = useStore((s) => s.announce);
  async function queue(sweep: unknown, leaveOut: boolean) {
    const id = await add(sweep, leaveOut);
    if (id === null) return;
    announce('success', 'The sweep is in the queue');
    navigate(href('sweeps', id));
  }
  return (
    <Page title="New sweep" back={{ label: 'Sweeps', href: href('sweeps') }}>
      <Editor draft={draft} spec={spec} of={null} onChange={change} onQueue={queue} />
    </Page>
  );
}

function Existing({ id }: { id: string }) {
  const { data, error, again } = useAnswer('sweeps.get', { id });
  const back = { label: data?.name ?? 'Sweep', href: href('sweeps', id) };
  return (
    <Page
      title="Add to a sweep"
      back={back}
      description="Change values, points or seeds: what is not there yet is put in the queue. Rungs and budget can be changed as well; its other settings stay what they were."
    >
      {error && <ErrorView title="The sweep could not be read" info={error} onRetry={again} />}
      {data ? <Extend record={data} /> : !error && <Skeleton h={240} aria-busy />}
    </Page>
  );
}

function Extend({ record }: { record: SweepRecord }) {
  const parsed = sweepSchema.safeParse(record.definition);
  const [draft, setDraft] = useState<SweepDraft | null>(parsed.success ? draftOf(parsed.data) : null);
  const extend = useStore((s) => s.extendSweep);
  const announce = useStore((s) => s.announce);
  if (!parsed.success || draft === null)
    return <Alert color="yellow">This sweep was not made here: nothing can be added to it.</Alert>;
  async function queue(sweep: unknown, leaveOut: boolean) {
    const count = await extend(record.id, sweep, leaveOut);
    if (count === null) return;
    announce(
      'success',
      count === 0 ? 'The sweep was changed' : count === 1 ? 'One run was added' : `${count} runs were added`,
    );
    navigate(href('sweeps', record.id));
  }
  const now = JSON.stringify(draftOf(parsed.data));
  return (
    <Editor
      draft={draft}
      spec={parsed.data.spec}
      of={record.id}
      changed={now !== JSON.stringify(draft)}
      onChange={setDraft}
      onQueue={queue}
    />
  );
}

interface EditorProps {
  readonly draft: SweepDraft;
  readonly spec: Spec;
  /** The sweep that is added to. */
  readonly of: string | null;
  /** Anything of it. */
  readonly changed?: boolean;
  readonly onChange: (draft: SweepDraft) => void;
  readonly onQueue: (sweep: unknown, leaveOut: boolean) => Promise<void>;
}

function Editor({ draft, spec, of, changed = false, onChange, onQueue }: EditorProps) {
  const change = (part: Partial<SweepDraft>) => onChange({ ...draft, ...part });
  const loadModels = useStore((s) => s.loadModels);
  const loadDatasets = useStore((s) => s.loadDatasets);
  useEffect(() => {
    void loadModels();
    void loadDatasets();
  }, [loadModels, loadDatasets]);
  return (
    <div className={classes.editor}>
      <Stack gap="md">
        {of === null && (
          <section className={classes.card} aria-label="Name and settings">
            <TextInput
              label="Name"
              description="Also the tag of its runs."
              maxLength={40}
              value={draft.name}
              onChange={(event) => change({ name: event.currentTarget.value })}
            />
            <BaseSettings spec={spec} />
          </section>
        )}
        <SettingList
          settings={draft.settings}
          spec={spec}
          grid={draft.search === 'grid'}
          onChange={(settings) => change({ settings })}
        />
        <SearchFields draft={draft} onChange={change} />
        <EarlyFields draft={draft} onChange={change} />
        <ConstraintRows
          constraints={draft.constraints}
          swept={draft.settings.map(({ path }) => path)}
          onChange={(constraints) => change({ constraints })}
        />
      </Stack>
      <SweepPreviewPanel asked={sweepOf(draft, spec)} of={of} changed={changed} onQueue={onQueue} />
    </div>
  );
}
