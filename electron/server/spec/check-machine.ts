/** Settings against what the model can take and the machine has. */
import { availableParallelism } from 'node:os';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';

export function checkMachine(
  { batch, device, threads, sampling }: Parts,
  found: Found,
  findings: Findings,
): void {
  const context = found.model?.card.contextLength;
  if (batch && context !== undefined && batch.seq_len > context) {
    const message = `The sequence length is ${batch.seq_len} tokens; the model "${found.model?.card.name}" takes at most ${context}.`;
    findings.issues.push(
      issue('batch.seq_len', 'above_context', message, batch.seq_len, `Use ${context} or less.`),
    );
  }
  if (
    sampling &&
    sampling.prompts.length > 0 &&
    context !== undefined &&
    sampling.max_new_tokens >= context
  ) {
    const message = `Samples of ${sampling.max_new_tokens} tokens do not fit the ${context} tokens of the model, prompt included.`;
    const path = 'sampling.max_new_tokens';
    findings.issues.push(
      issue(path, 'above_context', message, sampling.max_new_tokens, `Use less than ${context}.`),
    );
  }
  if (device === 'cuda' && !findings.issues.some(({ path }) => path === 'device')) {
    if (!found.devices.some(({ kind }) => kind === 'cuda')) {
      const message = 'There is no CUDA device on this machine.';
      findings.issues.push(issue('device', 'device.unavailable', message, device, 'Use cpu.'));
    }
  }
  const cores = availableParallelism();
  if (threads !== undefined && threads > cores) {
    const message = `${threads} threads share ${cores} cores: slower than one thread a core.`;
    findings.warnings.push(
      issue('threads', 'unusual', message, threads, `Use ${cores}, or 0 for all cores.`),
    );
  }
}
