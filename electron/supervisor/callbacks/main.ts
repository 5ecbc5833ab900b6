/**
 * `node main.js <process id of who started it>`: the process of one callback. Loads the file that it is told, calls its handlers, and passes on what they ask for. Nothing
 * of ours is trusted to what the file does: limits are kept by who started it (server/callbacks/child.ts).
 */
import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FromCallback, HandlerName, ToCallback } from '../../server/callbacks/messages.ts';
import { readLines } from '../../server/files/lines.ts';
import type { Callback, Run, RunInfo } from '../../shared/runs/callback-types.ts';
import { checkCallback, handlersOf, limitOf, says } from './shape.ts';

const CHANNEL = 3;
/** What is logged outside of a handler is gathered for so long. */
const GATHER_MS = 250;
/** In one message; more than can become metrics, so that the limit is told by who counts them. */
const MOST_VALUES = 200;

const channel = new Socket({ fd: CHANNEL });
const tell = (message: FromCallback) => void channel.write(`${JSON.stringify(message)}\n`);

let callback: Callback = {};
let run: Run;
const gathered = new Map<string, number>();
let gathering: NodeJS.Timeout | null = null;

function flush(): void {
  if (gathering) clearTimeout(gathering);
  gathering = null;
  if (gathered.size > 0) tell({ type: 'log', metrics: Object.fromEntries(gathered) });
  gathered.clear();
}

function log(metrics: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value !== 'number')
      throw new TypeError(`log() takes numbers; ${name} is ${JSON.stringify(value)}`);
    if (gathered.size < MOST_VALUES || gathered.has(name)) gathered.set(name, value);
  }
  gathering ??= setTimeout(flush, GATHER_MS);
}

const makeRun = (info: RunInfo): Run => ({
  ...info,
  log,
  save: () => tell({ type: 'ask', request: 'save' }),
  sample: () => tell({ type: 'ask', request: 'sample' }),
  evaluate: () => tell({ type: 'ask', request: 'evaluate' }),
  stop: (reason = '') => tell({ type: 'ask', request: 'stop', reason: String(reason).slice(0, 200) }),
});

async function load(file: string, info: RunInfo): Promise<void> {
  run = makeRun(info);
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    callback = checkCallback(module.default);
    tell({ type: 'ready', handlers: handlersOf(callback), limitSeconds: limitOf(callback) });
  } catch (thrown) {
    console.error(thrown);
    tell({ type: 'refused', message: says(thrown) });
  }
}

async function handle(id: number, handler: HandlerName, event: unknown): Promise<void> {
  try {
    await (callback[handler] as ((event: unknown, run: Run) => unknown) | undefined)?.(event, run);
    flush();
    tell({ type: 'done', id });
  } catch (thrown) {
    end(thrown);
  }
}

/** What it threw is the last that is heard of it. */
function end(thrown: unknown): void {
  console.error(thrown);
  flush();
  tell({ type: 'failed', message: says(thrown) });
  channel.end(() => process.exit(1));
}
process.on('uncaughtException', end);
process.on('unhandledRejection', end);

readLines(channel, (line) => {
  const message = JSON.parse(line) as ToCallback;
  if (message.type === 'load') void load(message.file, message.info as RunInfo);
  else void handle(message.id, message.handler, message.event);
});
channel.on('end', () => process.exit(0));
channel.on('error', () => process.exit(0));

// A callback that never gives the processor back would outlive a supervisor that was killed: another thread looks.
new Worker(
  `const { workerData: parent } = require('node:worker_threads');
   setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGKILL'), 1000);`,
  { eval: true, workerData: Number(process.argv[2]) },
).unref();
