/** `collie queue`: what waits, and every change of it that the page can make. */
import pc from 'picocolors';
import type { Method, MethodParams } from '../shared/api/api.ts';
import { type QueueItem, type QueueState, workAhead } from '../shared/runs/queue.ts';
import { formatBytes, formatSeconds, printJson, printNote, printTable } from './output.ts';
import { withHost } from './session.ts';
import { readSpecFile } from './spec-file.ts';
import { allowing } from './trust.ts';

const known = (seconds: number | null) => (seconds === null ? '-' : formatSeconds(seconds));

function itemRow(item: QueueItem, place: number): string[] {
  const memory = item.memoryBytes === null ? '-' : formatBytes(item.memoryBytes);
  return [
    ...[String(place + 1), item.id, item.state, item.lane, known(item.startsInSeconds), known(item.seconds)],
    ...[memory, item.reason],
  ];
}

function print(state: QueueState): void {
  const { settings, items, going, totalSeconds } = state;
  for (const { name, lane, etaSeconds } of going)
    process.stdout.write(`running on ${lane}: ${name}, ${known(etaSeconds)} left\n`);
  if (settings.paused) process.stdout.write(`${pc.yellow('paused')}: go on with \`collie queue continue\`\n`);
  if (items.length === 0) {
    process.stdout.write('The queue is empty. Add a run with `collie queue add <spec>`.\n');
    return;
  }
  printTable([
    ['', 'run', 'state', 'lane', 'starts in', 'takes', 'memory', ''],
    ...items.map((item, place) => itemRow(item, place)),
  ]);
  const { seconds, memoryBytes } = workAhead(items);
  const time =
    totalSeconds !== null
      ? `all done in ${formatSeconds(totalSeconds)}`
      : `${known(seconds)} of training when they go on`;
  process.stdout.write(
    `${time}${memoryBytes === null ? '' : `, at most ${formatBytes(memoryBytes)} each`}\n`,
  );
}

export async function showQueue(json: boolean): Promise<void> {
  await withHost(async (host) => {
    const state = await host.call('queue.get', {});
    if (json) printJson(state);
    else print(state);
  });
}

export async function addToQueue(
  specs: string[],
  flags: { set: string[]; after?: string; trustCallbacks: boolean; allowJudge: string[]; json: boolean },
): Promise<void> {
  await withHost(async (host) => {
    const ids: string[] = [];
    for (const path of specs) {
      const after = ids.length === 0 ? (flags.after ?? null) : null;
      const spec = readSpecFile(path, flags.set, printNote);
      const { id } = await allowing(host, flags, () => host.call('queue.add', { spec, after }));
      ids.push(id);
      if (!flags.json) process.stdout.write(`${id}\n`);
    }
    if (flags.json) printJson({ ids });
  });
}

/** One change, then the queue as it stands. `allowJudge`: of a change that may start evaluations. */
export async function changeQueue<M extends Extract<Method, `queue.${string}`>>(
  method: M,
  params: MethodParams<M>,
  json: boolean,
  allowJudge: string[] = [],
): Promise<void> {
  await withHost(async (host) => {
    await allowing(host, { allowJudge, json }, () => host.call(method, params));
    const state = await host.call('queue.get', {});
    if (json) printJson(state);
    else print(state);
  });
}
