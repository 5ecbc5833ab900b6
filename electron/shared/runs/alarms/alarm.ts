/** What an alarm is, and what watches for one. */
import { z } from 'zod';
import type { RunEvent } from '../events.ts';

export const alarmKinds = [
  'loss_spike',
  'not_finite',
  'gradient_norm',
  'plateau',
  'overfitting',
  'masked_share',
  'slow_rank',
  'not_judged',
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** One occurrence: what was seen, what it probably comes from, and what to do. Sentences. */
export const alarmSchema = z.object({
  kind: z.enum(alarmKinds),
  step: z.number().int(),
  timeUs: z.number(),
  message: z.string(),
  cause: z.string(),
  advice: z.string(),
});
export type Alarm = z.infer<typeof alarmSchema>;

/** That a status has, the newest; the file has all. */
export const MOST_ALARMS = 50;

/** What a watcher says; who asked adds kind, step and time. */
export type Said = Pick<Alarm, 'message' | 'cause' | 'advice'>;

/** Takes the events of a run in their order, and speaks once at each occurrence. */
export interface Watcher {
  see(event: RunEvent): Said | null;
}

/** A row of the registry. */
export interface AlarmInfo {
  kind: AlarmKind;
  title: string;
  help: string;
  /** Null: events do not tell it; who finds it out says so. */
  watch: (() => Watcher) | null;
}
