/**
 * The process of one callback, seen from outside. Whatever it does, it costs who started it next to nothing: it is read slowly, so that one that floods waits for itself, what
 * it says has a length, and it may be ended at any time with all that it has started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Duplex, Readable } from 'node:stream';
import { readLines } from '../files/lines.ts';
import { nodeCommand } from '../runs/launch.ts';
import { type FromCallback, fromCallbackSchema, type ToCallback } from './messages.ts';

/** Of what it remembers. */
const MEMORY_MB = 256;
const MOST_LINE_BYTES = 64 * 1024;
/** Read of a stream in a moment. */
const MOMENT_BYTES = 64 * 1024;
const MOMENT_MS = 100;
/** Below that of the training. */
const NICE = 5;

export interface ChildEvents {
  message(message: FromCallback): void;
  /** What it prints. */
  output(bytes: Buffer): void;
  /** It is gone, and everything that it has said was heard. */
  gone(how: string): void;
}

export class CallbackChild {
  readonly #child: ChildProcess;
  readonly #channel: Duplex;

  /** `cwd`: its working directory. */
  constructor(cwd: string, on: ChildEvents) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const script = new URL(`../../supervisor/callbacks/main.${extension}`, import.meta.url);
    const { command, args, env } = nodeCommand(script);
    this.#child = spawn(command, [`--max-old-space-size=${MEMORY_MB}`, ...args, String(process.pid)], {
      cwd,
      env,
      // A group of its own: it ends with what it has started.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#channel = this.#child.stdio[3] as Duplex;
    this.#channel.on('error', () => {});
    this.#read(on);
    this.#child.on('spawn', () => this.#lower());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToCallback): void {
    if (this.#channel.writable) this.#channel.write(`${JSON.stringify(message)}\n`);
  }

  /** It ends by itself then. */
  hangUp(): void {
    this.#channel.end();
  }

  kill(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      if (process.platform === 'win32') this.#child.kill('SIGKILL');
      else process.kill(-pid, 'SIGKILL');
    } catch {
      this.#child.kill('SIGKILL');
    }
  }

  #read(on: ChildEvents): void {
    const { stdout, stderr } = this.#child;
    for (const stream of [stdout, stderr]) {
      stream?.on('data', (bytes: Buffer) => on.output(bytes));
      stream?.on('error', () => {});
      if (stream) slowly(stream);
    }
    const broken = (why: string) => {
      on.message({ type: 'failed', message: why });
      this.kill();
    };
    readLines(
      this.#channel,
      (line) => {
        const message = parsed(line);
        if (message) on.message(message);
        else broken('it wrote to file descriptor 3, which is not its own');
      },
      { maxBytes: MOST_LINE_BYTES, onOverflow: () => broken('it said too much at once') },
    );
    slowly(this.#channel);
    this.#child.on('error', (error) => on.gone(error.message));
    let exited = 'ended';
    this.#child.once('exit', (code, signal) => {
      exited = signal ? `was ended by ${signal}` : `ended with code ${code}`;
      // What it has started may hold its pipes: nobody listens to that.
      setTimeout(() => this.#letGo(), MOMENT_MS * 5).unref();
    });
    this.#child.once('close', () => on.gone(exited));
  }

  #letGo(): void {
    for (const stream of [this.#child.stdout, this.#child.stderr, this.#channel]) stream?.destroy();
  }

  #lower(): void {
    try {
      setPriority(this.#child.pid as number, NICE);
    } catch {
      // Ended already.
    }
  }
}

function parsed(line: string): FromCallback | null {
  try {
    return fromCallbackSchema.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** Who writes more than can be read waits until it was. */
function slowly(stream: Readable): void {
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes < MOMENT_BYTES || stream.isPaused()) return;
    stream.pause();
    setTimeout(() => {
      bytes = 0;
      stream.resume();
    }, MOMENT_MS);
  });
}
