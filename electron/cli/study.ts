/** `collie study ...`: the paper's memory, throughput and quality studies through the queue, and their reports. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { STARTER_MODEL_ID } from '../server/models/starter.ts';
import { CollieError } from '../shared/errors.ts';
import { liveStates } from '../shared/runs/events.ts';
import { studyMarkdown } from '../shared/runs/study-report.ts';
import { type StudyInput, type StudyKind, studyDefaults } from '../shared/spec/study.ts';
import { formatBytes, formatSeconds, printJson } from './output.ts';
import { withHost } from './session.ts';

export interface StudyFlags {
  json: boolean;
  model: string[];
  data?: string;
  /** JSON of a study, or of a part of one. */
  file?: string;
  layers: number[];
  steps?: number;
  dryRun: boolean;
  out?: string;
}

const POLL_MS = 1000;

export async function studyCommand(kind: StudyKind, flags: StudyFlags): Promise<void> {
  await withHost(async (host) => {
    const study = await definition(host, kind, flags);
    if (flags.dryRun) {
      const preview = await host.call('studies.preview', { study });
      if (flags.json) printJson(preview);
      else {
        const { runs, totalSeconds, mostMemoryBytes, points } = preview;
        const wrong = points.filter(({ issues }) => issues.length > 0).length;
        const time = totalSeconds === null ? '' : `, ${formatSeconds(totalSeconds)} one after another`;
        const memory = mostMemoryBytes === null ? '' : `, at most ${formatBytes(mostMemoryBytes)} at once`;
        process.stdout.write(
          `${runs} runs${time}${memory}${wrong > 0 ? ` (${wrong} that cannot be run)` : ''}\n`,
        );
      }
      return;
    }
    const { id, ids } = await host.call('studies.start', { study });
    process.stderr.write(
      pc.dim(`${ids.length} runs are in the queue as ${id}; they go on when this is ended\n`),
    );
    await ended(host, ids);
    await print(host, id, flags);
  });
}

export const studyReportCommand = (id: string, flags: Pick<StudyFlags, 'json' | 'out'>): Promise<void> =>
  withHost((host) => print(host, id, flags));

async function print(host: Host, id: string, { json, out }: Pick<StudyFlags, 'json' | 'out'>): Promise<void> {
  const report = await host.call('studies.report', { id });
  if (json) return printJson(report);
  const text = studyMarkdown(report);
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text);
}

/** Defaults, then the file, then what stands on the command line. The starter model and its data where none is named. */
async function definition(host: Host, kind: StudyKind, flags: StudyFlags): Promise<StudyInput> {
  const part = flags.file === undefined ? {} : JSON.parse(readFileSync(flags.file, 'utf8'));
  const train = flags.data ?? part.train ?? `library:${(await host.call('datasets.list', {}))[0]?.id ?? ''}`;
  const card = (await host.call('datasets.list', {})).find(({ id }) => train === `library:${id}`);
  const mapping = part.mapping ?? card?.mapping;
  if (!mapping && !existsSync(train))
    throw new CollieError(
      'dataset.not_found',
      `There is no dataset ${train} with a mapping in the library.`,
      'Call `collie quickstart` once, or name one: --data library:<id>.',
    );
  return {
    ...{ kind, ...studyDefaults(kind), models: [`library:${STARTER_MODEL_ID}`], train },
    ...part,
    ...(mapping ? { mapping } : {}),
    ...(flags.model.length > 0 ? { models: flags.model } : {}),
    ...(flags.layers.length > 0 ? { layers: flags.layers } : {}),
    ...(flags.steps === undefined ? {} : { steps: flags.steps }),
  };
}

/** Until none of them waits or runs. Ended early, the queue goes on without us. */
async function ended(host: Host, ids: readonly string[]): Promise<void> {
  const wanted = new Set(ids);
  for (;;) {
    const own = (await host.call('runs.list', {})).filter((run) => wanted.has(run.id));
    const open = own.filter(({ state }) => state === 'queued' || liveStates.includes(state)).length;
    if (open === 0) return;
    if (process.stderr.isTTY) process.stderr.write(`\r${ids.length - open} of ${ids.length} runs ended `);
    await delay(POLL_MS);
  }
}
