/** What a user can do to a run, with the questions that come first. One place for the list and the monitor. */
import { Text } from '@mantine/core';
import { createContext, type ReactNode, useContext, useState } from 'react';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import type { RunRequest } from '../../../../electron/shared/runs/requests.ts';
import { href, navigate } from '../../app/route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { useClient, useStore } from '../../store/context.tsx';
import { EvaluateRunDialog } from '../evaluate/EvaluateDialog.tsx';
import { ExportDialog } from '../export/ExportDialog.tsx';
import { runRequestTexts } from './run-requests.ts';
import { reusableDraft } from './run-view.ts';
import { type SuggestedChange, withChange } from './suggested-change.ts';
import { useLibrary } from './use-library.ts';

export interface RunCommands {
  stop(run: RunStatus): void;
  /** What a live run does after its current step. */
  request(run: RunStatus, request: RunRequest): void;
  resume(run: RunStatus): void;
  /** It goes on from its checkpoint when its turn comes. */
  queue(run: RunStatus): void;
  remove(run: RunStatus): void;
  exportFrom(run: RunStatus, checkpoint?: string): void;
  chat(run: RunStatus): void;
  evaluate(run: RunStatus, checkpoint?: string): void;
  /** Opens New run with its settings, and one change where it failed of them. */
  reuse(run: RunStatus, change?: SuggestedChange): void;
  /** The open question or dialog; must be rendered once. */
  dialog: ReactNode;
}

type Asked =
  | { kind: 'stop' | 'remove'; run: RunStatus }
  | { kind: 'export' | 'evaluate'; run: RunStatus; checkpoint: string | undefined };

export function useRunCommands(): RunCommands {
  const [asked, setAsked] = useState<Asked | null>(null);
  const stopRun = useStore((s) => s.stopRun);
  const requestRun = useStore((s) => s.requestRun);
  const resumeRun = useStore((s) => s.resumeRun);
  const changeQueue = useStore((s) => s.changeQueue);
  const announce = useStore((s) => s.announce);
  const reuse = useReuse();

  return {
    stop: (run) => setAsked({ kind: 'stop', run }),
    remove: (run) => setAsked({ kind: 'remove', run }),
    exportFrom: (run, checkpoint) => setAsked({ kind: 'export', run, checkpoint }),
    evaluate: (run, checkpoint) => setAsked({ kind: 'evaluate', run, checkpoint }),
    async request(run, request) {
      const { heard, failed } = runRequestTexts[request];
      if (await requestRun(run.id, request, failed)) announce('info', heard);
    },
    async resume(run) {
      const from = run.checkpoint === null ? 'starts again' : 'goes on from its last checkpoint';
      if (await resumeRun(run.id)) announce('info', `"${run.name}" ${from}`);
    },
    async queue(run) {
      if (await changeQueue('queue.retry', { id: run.id }, 'The run was not put in the queue'))
        announce('info', `"${run.name}" is in the queue`);
    },
    chat: (run) => navigate(href('playground', { run: run.id })),
    reuse: (run, change) => void reuse(run.id, change),
    dialog: (
      <Dialogs
        asked={asked}
        close={() => setAsked(null)}
        stop={async (run) => void (await stopRun(run.id))}
      />
    ),
  };
}

function useReuse(): (id: string, change?: SuggestedChange) => Promise<void> {
  const client = useClient();
  const replaceDraft = useStore((s) => s.replaceDraft);
  const announce = useStore((s) => s.announce);
  const report = useStore((s) => s.report);
  const library = useLibrary();
  return async (id, change) => {
    try {
      const { spec } = await client.call('runs.get', { id });
      const draft = reusableDraft(spec, library);
      replaceDraft(change ? withChange(draft, change) : draft);
      announce('info', change ? `Settings copied, with ${change.label}` : 'Settings copied into the form');
      navigate(href('compose'));
    } catch (thrown) {
      report('The settings of this run could not be read', thrown);
    }
  };
}

const CommandsContext = createContext<RunCommands | null>(null);
export const RunCommandsProvider = CommandsContext.Provider;

/** The commands of the page above. */
export function usePageRunCommands(): RunCommands {
  const commands = useContext(CommandsContext);
  if (!commands) throw new Error('usePageRunCommands needs a RunCommandsProvider above it');
  return commands;
}

function Dialogs(props: { asked: Asked | null; close: () => void; stop: (run: RunStatus) => Promise<void> }) {
  const { asked, close, stop } = props;
  const removeRun = useStore((s) => s.removeRun);
  const run = asked?.run;
  const removal = async () => {
    if (run && (await removeRun(run.id)) && location.hash.startsWith(href('runs', run.id)))
      navigate(href('runs'), 'replace');
  };
  return (
    <>
      <ConfirmModal
        opened={asked?.kind === 'stop'}
        title="Stop this run?"
        verb="Save and stop"
        onConfirm={() => (run ? stop(run) : undefined)}
        onClose={close}
      >
        "{run?.name}" finishes its current step, saves a checkpoint and ends. You can resume it later from
        exactly there.
      </ConfirmModal>
      <ConfirmModal
        opened={asked?.kind === 'remove'}
        title="Remove this run?"
        verb="Remove"
        onConfirm={removal}
        onClose={close}
      >
        <Text size="sm">
          Everything in the folder of "{run?.name}" is deleted: events, log, samples, all checkpoints, and
          exports that lie inside it. This cannot be undone. The model and the dataset stay.
        </Text>
      </ConfirmModal>
      {asked?.kind === 'export' && (
        <ExportDialog runId={asked.run.id} checkpoint={asked.checkpoint ?? ''} onClose={close} />
      )}
      {asked?.kind === 'evaluate' && (
        <EvaluateRunDialog runId={asked.run.id} checkpoint={asked.checkpoint ?? ''} onClose={close} />
      )}
    </>
  );
}
