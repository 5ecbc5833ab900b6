/** Watching one run from the command line, until it ends. */
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { isLive } from '../server/runs/status.ts';
import type { Alarm } from '../shared/runs/alarms/alarm.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { Progress } from './progress.ts';

/**
 * Shows the progress until the run has ended; returns its last status. The first Ctrl-C, or a SIGTERM as batch
 * systems send it, stops the run and saves, the second ends it at once.
 */
export async function followRun(host: Host, id: string): Promise<RunStatus> {
  const progress = new Progress();
  const watching = new AbortController();
  let interrupts = 0;
  let alarmed = host.services.runs.status(id).alarms.at(-1)?.timeUs ?? 0;
  const interrupt = () => {
    interrupts += 1;
    progress.note(
      interrupts === 1 ? pc.yellow('Stopping and saving; Ctrl-C again ends it at once.') : 'Ending it.',
    );
    const wish =
      interrupts === 1 ? host.services.runs.stop(id) : host.services.runs.control(id, { command: 'kill' });
    // The run may have ended by itself meanwhile, which is as good.
    wish.catch(() => {});
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    for await (const status of host.stream('runs.status', {}, watching.signal)) {
      if (status.id !== id) continue;
      for (const alarm of status.alarms.filter(({ timeUs }) => timeUs > alarmed)) {
        progress.note(alarmText(alarm));
        alarmed = alarm.timeUs;
      }
      if (!isLive(status)) return status;
      progress.show(stateOf(status));
    }
    return host.services.runs.status(id);
  } finally {
    for (const signal of signals) process.removeListener(signal, interrupt);
    watching.abort();
    progress.end();
  }
}

const alarmText = ({ step, message, cause, advice }: Alarm) =>
  `${pc.yellow('alarm')} ${pc.dim(`step ${step}`)} ${message} ${cause}\n${pc.cyan('next')}  ${advice}`;

function stateOf(status: RunStatus) {
  const { step, totalSteps, lastLoss, lastEvalLoss, tokensPerSecond, phase } = status;
  const details: string[] = [];
  if (totalSteps) details.push(`step ${step}/${totalSteps}`);
  if (lastLoss !== null) details.push(`loss ${lastLoss.toFixed(3)}`);
  if (lastEvalLoss !== null) details.push(`eval ${lastEvalLoss.toFixed(3)}`);
  if (tokensPerSecond !== null) details.push(`${Math.round(tokensPerSecond)} tokens/s`);
  return { title: phase, fraction: status.phaseProgress, etaSeconds: status.etaSeconds, details };
}

/** How a run ended, in one line. */
export function describeRun(status: RunStatus): string {
  const { name, step, totalSteps, lastEvalLoss, lastLoss, state } = status;
  const loss = lastEvalLoss === null ? lastLoss : lastEvalLoss;
  const at = totalSteps === 0 ? '' : ` at step ${step}${totalSteps === null ? '' : ` of ${totalSteps}`}`;
  const what = loss === null ? '' : `, ${lastEvalLoss === null ? 'loss' : 'eval loss'} ${loss.toFixed(3)}`;
  return `${name}: ${state}${at}${what}`;
}
