/** `collie study ...`: the paper's memory, throughput and quality studies through the queue, and their reports. */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { liveStates } from '../shared/runs/events.ts';
import { studyMarkdown } from '../shared/runs/study-report.ts';
import type { StudyKind } from '../shared/spec/study.ts';
import { formatBytes, formatSeconds, printJson } from './output.ts';
import { withHost } from './session.ts';
import { type StudyWishes, studyDefinition } from './study-definition.ts';

export interface StudyFlags extends StudyWishes {
  json: boolean;
  dryRun: boolean;
  out?: string;
}

const POLL_MS = 1000;

export async function studyCommand(kind: StudyKind, flags: StudyFlags): Promise<void> {
  await withHost(async (host) => {
    const study = await studyDefinition(host, kind, flags);
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
