/** Settings of the optimizer and the schedule that are unusual or cost something; what is refused is in shared/spec/rules.ts. */

import { usualRate } from '../../shared/spec/learning-rates.ts';
import { methodInSentence, optimizerTitle } from '../../shared/spec/method-traits.ts';
import { fusedOptimizers } from '../../shared/spec/rules.ts';
import type { Findings } from './context.ts';
import { issue, type Parts } from './issue.ts';

function checkRate({ method, optimizer }: Parts, findings: Findings): void {
  if (!method || !optimizer) return;
  const { low, high } = usualRate(method.type, optimizer.type);
  const lr = optimizer.learning_rate;
  if (lr >= low && lr <= high) return;
  const name = `${methodInSentence(method.type)} with ${optimizerTitle(optimizer.type)}`;
  const message = `A learning rate of ${lr} is unusually ${lr < low ? 'low' : 'high'} for ${name} (usual: ${low} to ${high}).`;
  const effect = lr < low ? 'The model may hardly change.' : 'The training may diverge.';
  findings.warnings.push(issue('optimizer.learning_rate', 'unusual', message, lr, effect));
}

/** No gradient is kept with such an optimizer, so a norm over all needs a pass of its own. */
function checkFused({ optimizer, max_grad_norm }: Parts, findings: Findings): void {
  if (!optimizer || !fusedOptimizers.includes(optimizer.type)) return;
  const title = optimizerTitle(optimizer.type);
  if (max_grad_norm !== undefined && max_grad_norm > 0) {
    const message = `Clipping the global gradient norm costs ${title} a second forward and backward pass in every step: the norm has to be known before the first weight changes.`;
    const fix = 'Set max_grad_norm to 0 if the training is stable without.';
    findings.warnings.push(issue('max_grad_norm', 'costly', message, max_grad_norm, fix));
  }
}

function checkSchedule({ schedule }: Parts, findings: Findings): void {
  if (schedule && schedule.warmup_ratio > 0.5) {
    const message = `The learning rate rises for ${Math.round(schedule.warmup_ratio * 100)}% of the run${schedule.warmup_ratio === 1 ? ' and never reaches its peak' : ''}.`;
    findings.warnings.push(
      issue('schedule.warmup_ratio', 'unusual', message, schedule.warmup_ratio, '0.03 to 0.1 is usual.'),
    );
  }
  if (schedule?.type === 'constant' && schedule.min_lr_ratio > 0) {
    const message =
      'With a constant schedule the learning rate does not fall, so the final share has no effect.';
    findings.warnings.push(
      issue(
        'schedule.min_lr_ratio',
        'no_effect',
        message,
        schedule.min_lr_ratio,
        'Set it to 0, or choose cosine or linear.',
      ),
    );
  }
}

export function checkOptimization(parts: Parts, findings: Findings): void {
  checkRate(parts, findings);
  checkFused(parts, findings);
  checkSchedule(parts, findings);
}
