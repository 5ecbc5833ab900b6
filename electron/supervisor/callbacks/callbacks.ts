/** All callbacks of a run. Without any, nothing is started and no file is made. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { trustedCallbacks } from '../../server/callbacks/record.ts';
import { toJavaScript } from '../../server/callbacks/source.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import type { RunInfo } from '../../shared/runs/callback-types.ts';
import {
  type CallbackRequest,
  type CallbackStatus,
  type callbackPayloads,
  callbacksDir,
} from '../../shared/runs/callbacks.ts';
import type { RunEvent, Sample } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { EventJournal } from '../journal.ts';
import type { Log } from '../log.ts';
import { CallbackProcess } from './callback-process.ts';
import { CallbackOutput } from './output.ts';
import { toldOf } from './told.ts';

/** For all that is left to tell at the end of a run. */
const END_LIMIT_MS = 15_000;

export interface CallbacksOwner {
  log: Log;
  status(callbacks: CallbackStatus[]): void;
  /** Done as if the user had asked. Throws when the run cannot. */
  request(request: CallbackRequest, phase: string): void;
}

export class Callbacks {
  readonly #runDir: string;
  readonly #owner: CallbacksOwner;
  readonly #journal: EventJournal<typeof callbackPayloads> | null;
  readonly #processes: CallbackProcess[] = [];
  #step = 0;

  private constructor(runDir: string, owner: CallbacksOwner, some: boolean) {
    this.#runDir = runDir;
    this.#owner = owner;
    const path = join(runDir, runFiles.callbackEvents);
    this.#journal = some ? new EventJournal(path, 'what callbacks log', owner.log) : null;
  }

  /** Returns when they are being loaded; what happens meanwhile is told later. Throws callback.not_trusted. */
  static start(runDir: string, id: string, spec: RunSpec, owner: CallbacksOwner): Callbacks {
    const recorded = trustedCallbacks(runDir, dirname(dirname(runDir)));
    const callbacks = new Callbacks(runDir, owner, recorded.length > 0);
    const info: RunInfo = { id, name: spec.name, folder: runDir, spec };
    for (const one of recorded) {
      const cwd = join(runDir, callbacksDir, one.name);
      mkdirSync(cwd, { recursive: true });
      const file = `${cwd}.mjs`;
      if (one.file !== `${callbacksDir}/${one.name}.mjs`) writeFileSync(file, toJavaScript(one));
      owner.log(`the callback ${one.name} is started: ${one.path}, SHA-256 ${one.sha256}`);
      callbacks.#add(one.name, { file, cwd, info });
    }
    callbacks.#tellStatus();
    return callbacks;
  }

  #add(name: string, what: { file: string; cwd: string; info: RunInfo }): void {
    const output = new CallbackOutput(this.#runDir, name);
    const process = new CallbackProcess(name, what, output, {
      log: (callback, step, metrics) => this.#journal?.write('logged', step, { callback, metrics }),
      ask: (callback, step, request, reason) => this.#ask(callback, step, request, reason),
      changed: (said) => {
        if (said) this.#owner.log(said);
        this.#tellStatus();
      },
    });
    this.#processes.push(process);
  }

  /** `sample`: the text of a `sample` event. */
  see(event: RunEvent, sample: Sample | null): void {
    if (this.#processes.length === 0 || event.rank !== 0) return;
    this.#step = event.step;
    if (event.type === 'started') {
      const { resumed_from_step } = event.payload;
      this.#journal?.write('callbacks_started', resumed_from_step, { resumed_from_step });
      for (const process of this.#processes) process.forget();
    }
    const told = toldOf(event, sample, this.#runDir);
    if (told) for (const process of this.#processes) process.see(told);
  }

  /** Tells them, and waits for them as long as they may take. */
  async end(state: 'completed' | 'stopped' | 'failed', thrown: unknown): Promise<void> {
    if (this.#processes.length === 0) return;
    const { code, message } = toErrorInfo(thrown);
    const error = state === 'failed' ? { code, message } : null;
    for (const process of this.#processes)
      process.see({ handler: 'onEnd', step: this.#step, event: { state, error } });
    await Promise.all(this.#processes.map((process) => process.end(END_LIMIT_MS)));
    for (const { name, missedSteps } of this.#statuses())
      if (missedSteps > 0)
        this.#owner.log(`the callback ${name} was not told of ${missedSteps} steps: it was busy`);
    this.#tellStatus();
  }

  kill(): void {
    for (const process of this.#processes) process.kill();
  }

  #ask(callback: string, step: number, request: CallbackRequest, reason: string): void {
    const said = reason === '' ? '' : `: ${reason}`;
    this.#journal?.write('asked', step, { callback, request, ...(reason === '' ? {} : { reason }) });
    this.#owner.log(`the callback ${callback} asks at step ${step} to ${request}${said}`);
    try {
      this.#owner.request(request, `Stopped by the callback ${callback}${said}`);
    } catch (thrown) {
      this.#owner.log(`that cannot be done: ${toErrorInfo(thrown).message}`);
    }
  }

  #statuses(): CallbackStatus[] {
    return this.#processes.map(({ status }) => status);
  }

  #tellStatus(): void {
    this.#owner.status(this.#statuses());
  }
}
