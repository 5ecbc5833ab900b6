/** One `collie-rank serve` child: JSON lines in and out (docs/layers.md). */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { errorInfoSchema } from '../../shared/error-info.ts';
import { CollieError } from '../../shared/errors.ts';
import { keepTail, readLines } from '../files/lines.ts';
import { diedError, rankEnvironment, requireRank } from '../rank/rank.ts';

export interface TunedModel {
  path: string;
  checkpoint: string;
}

export interface ServeRankOptions {
  modelPath: string;
  /** What is served beside the base model: run folders, and which of their checkpoints. */
  tuned: readonly TunedModel[];
  precision: 'bf16' | 'fp32';
  /** Most tokens of prompt and answer together. */
  context: number;
}

export interface GenerateRequest {
  ids: number[];
  /** Place in `ServeRankOptions.tuned`; null: the base model. */
  tuned: number | null;
  temperature: number;
  top_k: number;
  top_p: number;
  max_new_tokens: number;
  seed: number;
  stop_ids: number[];
}

export type GenerateEvent =
  | { kind: 'token'; token: number }
  | { kind: 'done'; finish: 'stop' | 'length'; seconds: number };

type RankEvent = GenerateEvent | { kind: 'loaded'; place: number };

const outputSchema = z.union([
  z.object({ ready: z.literal(true), tuned: z.number().int() }),
  z.object({ id: z.number().int(), token: z.number().int() }),
  z.object({ id: z.number().int(), loaded: z.number().int() }),
  z.object({
    id: z.number().int(),
    done: z.literal(true),
    finish: z.enum(['stop', 'length', 'cancelled']),
    seconds: z.number(),
  }),
  z.object({ id: z.number().int(), error: errorInfoSchema }),
  z.object({ error: errorInfoSchema }),
]);

interface Waiter {
  events: RankEvent[];
  error: CollieError | null;
  wake: () => void;
}

const KILL_AFTER_MS = 5_000;
const STDERR_KEPT = 8_000;

export class ServeRank {
  readonly ready: Promise<void>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiters = new Map<number, Waiter>();
  #nextId = 1;
  #ended: CollieError | null = null;
  #closing = false;

  /** Throws engine.not_built. What else goes wrong is thrown by `ready` and by every generation. */
  constructor(options: ServeRankOptions) {
    const program = requireRank();
    const runs = options.tuned.flatMap(({ path, checkpoint }) => ['--run', path, '--checkpoint', checkpoint]);
    const numbers = ['--precision', options.precision, '--context', String(options.context)];
    this.#child = spawn(program, ['serve', '--model', options.modelPath, ...runs, ...numbers], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...rankEnvironment() },
    });
    this.ready = this.#listen();
    // Everyone who waits gets the error; without anyone waiting it is no crash of the host.
    this.ready.catch(() => {});
  }

  get alive(): boolean {
    return this.#ended === null;
  }

  /** It has been told to end. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Loads one more tuned model beside the base that is there. Its place. */
  async load(tuned: TunedModel): Promise<number> {
    const load = { run: tuned.path, checkpoint: tuned.checkpoint };
    for await (const event of this.#request({ load }, new AbortController().signal))
      if (event.kind === 'loaded') return event.place;
    throw new CollieError('internal', 'The engine ended a request to load without an answer.');
  }

  /** Tokens of one answer. Aborting the signal ends the generation in the rank too. */
  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
    for await (const event of this.#request({ ...request }, signal)) if (event.kind !== 'loaded') yield event;
  }

  /** Everything that the rank says to one request, up to its last event. */
  async *#request(request: object, signal: AbortSignal): AsyncGenerator<RankEvent> {
    await this.ready;
    const id = this.#nextId++;
    const waiter: Waiter = { events: [], error: this.#ended, wake: () => {} };
    this.#waiters.set(id, waiter);
    const onAbort = () => waiter.wake();
    signal.addEventListener('abort', onAbort);
    let finished = false;
    this.#write({ id, ...request });
    try {
      while (!signal.aborted) {
        const event = waiter.events.shift();
        if (event) {
          finished = event.kind !== 'token';
          yield event;
          if (finished) return;
        } else if (waiter.error) throw waiter.error;
        else {
          await new Promise<void>((resolve) => {
            waiter.wake = resolve;
            if (signal.aborted) resolve();
          });
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#waiters.delete(id);
      if (!finished) this.#write({ cancel: id });
    }
  }

  /** Ends the child: the end of its input first, then by force. */
  close(): void {
    if (this.#ended || this.#closing) return;
    this.#closing = true;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    this.#child.once('exit', () => clearTimeout(timer));
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (error: CollieError) => {
        this.#ended ??= error;
        reject(error);
        for (const waiter of this.#waiters.values()) {
          waiter.error ??= error;
          waiter.wake();
        }
      };
      this.#child.stdin.on('error', () => {}); // A dead child's pipe; its exit tells more.
      const stderr = keepTail(this.#child.stderr, STDERR_KEPT);
      this.#child.on('error', (error) =>
        fail(new CollieError('rank.died', `The model could not be started: ${error.message}`)),
      );
      this.#child.once('close', (code, signal) => fail(diedError(code, signal, stderr())));
      readLines(this.#child.stdout, (line) => this.#receive(line, resolve, fail));
    });
  }

  #receive(line: string, ready: () => void, fail: (error: CollieError) => void): void {
    const parsed = parseOutput(line);
    if (parsed === null) {
      fail(new CollieError('internal', `The engine wrote what is no message: ${line.slice(0, 200)}`));
      return;
    }
    if ('ready' in parsed) {
      ready();
      return;
    }
    if (!('id' in parsed)) {
      fail(CollieError.fromInfo(parsed.error));
      return;
    }
    const waiter = this.#waiters.get(parsed.id);
    if (!waiter) return; // Cancelled: its last tokens are still on their way.
    if ('loaded' in parsed) waiter.events.push({ kind: 'loaded', place: parsed.loaded });
    else if ('token' in parsed) waiter.events.push({ kind: 'token', token: parsed.token });
    else if ('error' in parsed) waiter.error = CollieError.fromInfo(parsed.error);
    else if (parsed.finish !== 'cancelled')
      waiter.events.push({ kind: 'done', finish: parsed.finish, seconds: parsed.seconds });
    waiter.wake();
  }

  #write(message: unknown): void {
    if (!this.#ended && this.#child.stdin.writable) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }
}

function parseOutput(line: string): z.infer<typeof outputSchema> | null {
  try {
    return outputSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
