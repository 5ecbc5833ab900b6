/** What the shell does about runs: says when one ends or alarms, and keeps the machine awake while one goes. No Electron here. */
import type { Alarm } from '../shared/runs/alarms/alarm.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { liveStates } from '../shared/runs/events.ts';

export interface RunEnd {
  id: string;
  title: string;
  body: string;
}

export interface RunWatchActions {
  notify(end: RunEnd): void;
  /** Called with true when the first run begins to live, with false when none does any more. */
  keepAwake(wanted: boolean): void;
}

export class RunWatch {
  readonly #actions: RunWatchActions;
  readonly #live = new Set<string>();
  /** By run, the time of the newest alarm that is known. */
  readonly #alarmed = new Map<string, number>();

  constructor(actions: RunWatchActions) {
    this.#actions = actions;
  }

  /** Takes every status of `runs.status`. Only a run that was seen alive is announced. */
  see(status: RunStatus): void {
    this.#alarm(status);
    const before = this.#live.size;
    if (liveStates.includes(status.state)) this.#live.add(status.id);
    else if (this.#live.delete(status.id)) this.#actions.notify(describeEnd(status));
    if (before === 0 && this.#live.size > 0) this.#actions.keepAwake(true);
    if (before > 0 && this.#live.size === 0) this.#actions.keepAwake(false);
  }

  /** Of alarms that came since the run was first seen, the newest. */
  #alarm(status: RunStatus): void {
    const newest = status.alarms.at(-1);
    const known = this.#alarmed.get(status.id);
    this.#alarmed.set(status.id, Math.max(newest?.timeUs ?? 0, known ?? 0));
    if (newest && known !== undefined && newest.timeUs > known)
      this.#actions.notify(describeAlarm(status, newest));
  }
}

const describeAlarm = ({ id, name }: RunStatus, { step, message }: Alarm): RunEnd => ({
  id,
  title: `${name}, step ${step}`,
  body: message,
});

function describeEnd(status: RunStatus): RunEnd {
  const { id, name, step, lastEvalLoss, lastLoss, error } = status;
  if (status.state === 'failed')
    return { id, title: `${name} failed`, body: error?.message ?? `At step ${step}.` };
  const loss = lastEvalLoss ?? lastLoss;
  const result = loss === null ? '' : `, loss ${loss.toFixed(3)}`;
  const verb = status.state === 'completed' ? 'is complete' : 'was stopped';
  return { id, title: `${name} ${verb}`, body: `${step} steps${result}.` };
}
