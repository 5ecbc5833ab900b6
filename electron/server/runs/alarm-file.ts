/** alarms.jsonl of a run, as its status has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Alarm, alarmSchema, MOST_ALARMS } from '../../shared/runs/alarms/alarm.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';

/** The newest attempt: of what was said before it, only what it has not trained again counts. */
export interface Since {
  timeUs: number;
  resumedFromStep: number;
}

/** Oldest first; lines that are torn are left out. */
export function readAlarms(runDir: string, since: Since | null): Alarm[] {
  let text = '';
  try {
    text = readFileSync(join(runDir, runFiles.alarms), 'utf8');
  } catch {
    return []; // There was none.
  }
  const counts = ({ timeUs, step }: Alarm) =>
    since === null || timeUs >= since.timeUs || step <= since.resumedFromStep;
  return text.split('\n').flatMap(alarmOf).filter(counts).slice(-MOST_ALARMS);
}

function alarmOf(line: string): Alarm[] {
  try {
    const parsed = alarmSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
