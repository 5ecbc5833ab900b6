/** One callback of a live run: tells it what happens, one event at a time, hears what it wants, and ends it when it takes too long. */
import { CallbackChild } from '../../server/callbacks/child.ts';
import { type FromCallback, HANDLER_LIMIT, type HandlerName } from '../../server/callbacks/messages.ts';
import type { RunInfo } from '../../shared/runs/callback-types.ts';
import type { CallbackRequest, CallbackStatus } from '../../shared/runs/callbacks.ts';
import { EventQueue, type Told } from './event-queue.ts';
import { LoggedMetrics } from './logged.ts';
import type { CallbackOutput } from './output.ts';

/** Most time to read the file and run what stands in it. */
const LOAD_SECONDS = 120;

export interface CallbackWishes {
  log(name: string, step: number, metrics: Record<string, number>): void;
  ask(name: string, step: number, request: CallbackRequest, reason: string): void;
  /** `status` is another. `said`: for the run's log as well. */
  changed(said: string | null): void;
}

export class CallbackProcess {
  readonly #name: string;
  readonly #child: CallbackChild;
  readonly #output: CallbackOutput;
  readonly #wishes: CallbackWishes;
  readonly #queue = new EventQueue();
  readonly #logged: LoggedMetrics;
  readonly #gone: Promise<void>;
  #handlers: readonly HandlerName[] = [];
  #limitSeconds = HANDLER_LIMIT.usual;
  #state: CallbackStatus['state'] = 'starting';
  #error: string | null = null;
  /** Id of the event that it is at. */
  #at: number | null = null;
  #events = 0;
  #step = 0;
  #asked = new Set<CallbackRequest>();
  #timer: NodeJS.Timeout | undefined;
  #drained: () => void = () => {};
  readonly #loaded: Promise<void>;
  #settleLoaded: () => void = () => {};
  #ending = false;

  /** `file`: the JavaScript that runs; `cwd`: where it works. */
  constructor(
    name: string,
    { file, cwd, info }: { file: string; cwd: string; info: RunInfo },
    output: CallbackOutput,
    wishes: CallbackWishes,
  ) {
    this.#name = name;
    this.#output = output;
    this.#wishes = wishes;
    this.#logged = new LoggedMetrics(name, (sentence) => output.note(sentence));
    this.#loaded = new Promise((resolve) => {
      this.#settleLoaded = resolve;
    });
    let gone: () => void = () => {};
    this.#gone = new Promise((resolve) => {
      gone = resolve;
    });
    this.#child = new CallbackChild(cwd, {
      message: (message) => this.#hear(message),
      output: (bytes) => output.print(bytes),
      gone: (how) => {
        this.#leave(how);
        gone();
      },
    });
    this.#limit(LOAD_SECONDS, 'its file was not loaded');
    this.#child.send({ type: 'load', file, info });
  }

  get status(): CallbackStatus {
    const { missedSteps } = this.#queue;
    return { name: this.#name, state: this.#state, error: this.#error, missedSteps };
  }

  see(told: Told): void {
    if (this.#state === 'starting' || this.#handlers.includes(told.handler)) this.#queue.push(told);
    this.#next();
  }

  /** The training goes on from an earlier step. */
  forget(): void {
    this.#queue.forget();
  }

  /** Resolves when all was told and it is gone, by itself or, after `limitMs`, not. A run may be over before its callbacks are loaded: that time is their own. */
  async end(limitMs: number): Promise<void> {
    this.#ending = true;
    await Promise.race([this.#loaded, this.#gone]);
    const late = setTimeout(
      () => this.#fail(`it was not done ${limitMs / 1000} seconds after the end`),
      limitMs,
    );
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#settle();
    await Promise.race([drained, this.#gone]);
    clearTimeout(late);
    this.#child.hangUp();
    const stays = setTimeout(() => this.#child.kill(), 1000);
    await this.#gone;
    clearTimeout(stays);
  }

  kill(): void {
    this.#ending = true;
    this.#child.kill();
  }

  #hear(message: FromCallback): void {
    if (this.#state === 'failed' || this.#state === 'ended') return;
    if (message.type === 'ready') this.#ready(message.handlers, message.limitSeconds);
    else if (message.type === 'refused') this.#fail(`it could not be loaded: ${message.message}`);
    else if (message.type === 'failed') this.#fail(message.message);
    else if (message.type === 'done') this.#done(message.id);
    else if (message.type === 'ask') this.#ask(message.request, message.reason ?? '');
    else {
      const metrics = this.#logged.take(this.#step, message.metrics);
      if (metrics) this.#wishes.log(this.#name, this.#step, metrics);
    }
  }

  #ready(handlers: readonly HandlerName[], limitSeconds: number): void {
    if (this.#state !== 'starting') return;
    clearTimeout(this.#timer);
    this.#handlers = handlers;
    this.#limitSeconds = limitSeconds;
    this.#state = 'running';
    this.#settleLoaded();
    this.#output.note(`loaded; handlers: ${handlers.join(', ')}`);
    this.#wishes.changed(null);
    this.#next();
  }

  #next(): void {
    if (this.#state !== 'running' || this.#at !== null) return;
    let told = this.#queue.next();
    while (told && !this.#handlers.includes(told.handler)) told = this.#queue.next();
    if (!told) {
      this.#settle();
      return;
    }
    if (told.step !== this.#step) this.#asked.clear();
    this.#step = told.step;
    this.#events += 1;
    this.#at = this.#events;
    this.#limit(this.#limitSeconds, `${told.handler} at step ${told.step} was not done`);
    this.#child.send({ type: 'event', id: this.#at, handler: told.handler, event: told.event });
  }

  #done(id: number): void {
    if (id !== this.#at) return;
    clearTimeout(this.#timer);
    this.#at = null;
    this.#next();
  }

  /** Whether there is nothing more to tell. */
  #settle(): void {
    const over = this.#state === 'failed' || this.#state === 'ended';
    if (over || (this.#state === 'running' && this.#at === null && this.#queue.length === 0)) this.#drained();
  }

  /** Each once a step: one that floods asks for no more than one that does not. */
  #ask(request: CallbackRequest, reason: string): void {
    if (this.#asked.has(request)) return;
    this.#asked.add(request);
    this.#wishes.ask(this.#name, this.#step, request, reason);
  }

  #limit(seconds: number, what: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(`${what} after ${seconds} seconds`), seconds * 1000);
  }

  #fail(why: string): void {
    if (this.#state === 'failed' || this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#state = 'failed';
    this.#error = why;
    this.#settleLoaded();
    this.#output.note(`ended: ${why}. The run goes on without it.`);
    this.#wishes.changed(`the callback ${this.#name} has ended: ${why}. The run goes on without it.`);
    this.#settle();
    // What it has still to print, if it goes by itself.
    setTimeout(() => this.#child.kill(), 500);
  }

  #leave(how: string): void {
    if (!this.#ending) this.#fail(`its process ${how}`);
    clearTimeout(this.#timer);
    if (this.#state === 'failed') return;
    this.#state = 'ended';
    this.#wishes.changed(null);
  }
}
