/** Alarms of a run: in alarms.jsonl, in its status, in the log and, where the user has named one, at a webhook. */
import { join } from 'node:path';
import { appendTextSync } from '../server/files/write.ts';
import { toErrorInfo } from '../shared/errors.ts';
import { type Alarm, type AlarmKind, MOST_ALARMS, type Said } from '../shared/runs/alarms/alarm.ts';
import { Alarms, alarmTitle } from '../shared/runs/alarms/registry.ts';
import type { RunEvent } from '../shared/runs/events.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { Log } from './log.ts';
import type { StatusFile } from './status.ts';
import type { Webhook } from './webhook.ts';

export class AlarmBook {
  readonly #path: string;
  readonly #status: StatusFile;
  readonly #log: Log;
  readonly #webhook: Webhook;
  readonly #alarms = new Alarms();

  constructor(runDir: string, status: StatusFile, log: Log, webhook: Webhook) {
    this.#path = join(runDir, runFiles.alarms);
    this.#status = status;
    this.#log = log;
    this.#webhook = webhook;
  }

  see(event: RunEvent): void {
    if (event.type === 'started' && event.rank === 0) this.#forgetBeyond(event.payload.resumed_from_step);
    const said = this.#alarms.see(event);
    if (said.length > 0) this.#add(said);
  }

  /** What no event tells. */
  raise(kind: AlarmKind, step: number, said: Said): void {
    this.#add([{ kind, step, timeUs: Date.now() * 1000, ...said }]);
  }

  #add(said: readonly Alarm[]): void {
    this.#status.update({ alarms: [...this.#status.value.alarms, ...said].slice(-MOST_ALARMS) });
    for (const alarm of said) this.#say(alarm);
  }

  /** Steps that are trained again have alarms of their own. */
  #forgetBeyond(step: number): void {
    const { alarms } = this.#status.value;
    const kept = alarms.filter((alarm) => alarm.step <= step);
    if (kept.length < alarms.length) this.#status.update({ alarms: kept });
  }

  #say(alarm: Alarm): void {
    const { kind, step, message, cause, advice } = alarm;
    this.#log(`alarm at step ${step}: ${alarmTitle(kind)}. ${message} ${cause} ${advice}`);
    try {
      appendTextSync(this.#path, `${JSON.stringify({ v: 1, ...alarm })}\n`);
    } catch (thrown) {
      this.#log(`an alarm could not be written: ${toErrorInfo(thrown).message}`);
    }
    this.#webhook.send({ run: this.#status.value.id, name: this.#status.value.name, alarm });
  }
}
