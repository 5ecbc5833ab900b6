/** Alarms over the steps of a training. */
import type { RunEvent } from '../events.ts';
import type { Said, Watcher } from './alarm.ts';
import { median, spread, Window } from './windows.ts';

const exact = (value: number) => Number(value.toPrecision(4)).toString();

/** The value of a metric of a step; undefined for other events. null: not finite. */
const ofStep = (event: RunEvent, name: string): number | null | undefined =>
  event.type === 'step' ? event.payload.metrics[name] : undefined;

interface OutlierRule {
  metric: string;
  /** So many spreads above the median, and so many times the median. */
  spreads: number;
  times: number;
  say: (value: number, usual: number) => Said;
}

const RECENT = 50;
const LEAST = 20;
/** Steps without another before the next one is a new occurrence. */
const CALM = 20;

/** A value far above the latest ones. It becomes one of them: a jump that stays is said once, and is the usual level then. */
class Outliers implements Watcher {
  readonly #rule: OutlierRule;
  readonly #recent = new Window(RECENT);
  #calm = CALM;

  constructor(rule: OutlierRule) {
    this.#rule = rule;
  }

  see(event: RunEvent): Said | null {
    if (event.type === 'started') this.#recent.clear();
    const { metric, spreads, times, say } = this.#rule;
    const value = ofStep(event, metric);
    if (typeof value !== 'number') return null;
    const { values } = this.#recent;
    const usual = median(values);
    const far = Math.max(usual * times, usual + spreads * spread(values));
    const out = values.length >= LEAST && usual > 0 && value > far;
    const said = out && this.#calm >= CALM ? say(value, usual) : null;
    this.#calm = out ? 0 : this.#calm + 1;
    // A level that stays, also a high one, becomes the usual one.
    this.#recent.push(value);
    return said;
  }
}

export const lossSpike = (): Watcher =>
  new Outliers({
    metric: 'loss',
    spreads: 8,
    times: 1.5,
    say: (value, usual) => ({
      message: `The training loss jumped to ${exact(value)}; it was about ${exact(usual)}.`,
      cause: 'A learning rate that is too high for this place, or a batch of unusual or broken rows.',
      advice:
        'If it does not come back within some hundred steps, go on from the checkpoint before it with a lower learning rate or a lower gradient clipping.',
    }),
  });

export const gradientNorm = (): Watcher =>
  new Outliers({
    metric: 'grad_norm',
    spreads: 12,
    times: 10,
    say: (value, usual) => ({
      message: `The gradient norm is ${exact(value)}, ${exact(value / usual)} times what it usually is.`,
      cause:
        'A batch of unusual rows (very long, very short or broken answers), or training that is about to diverge.',
      advice:
        'Gradient clipping scales such a step down. If it comes again and again, lower the learning rate, or look at the longest rows of the data.',
    }),
  });

/** Loss or gradient norm that is no number: of a step, of an evaluation, or said by the engine as it ends. */
class NotFinite implements Watcher {
  #said = false;

  see(event: RunEvent): Said | null {
    if (event.type === 'started') this.#said = false;
    const what = notFinite(event);
    if (what === null || this.#said) return null;
    this.#said = true;
    return {
      message: `${what} is not a finite number.`,
      cause: 'Too high a learning rate, or numbers beyond the range of the format that computes.',
      advice:
        'Go on from the checkpoint before it with a lower learning rate; a longer warm-up and gradient clipping help too.',
    };
  }
}

function notFinite(event: RunEvent): string | null {
  if (event.type === 'error') return event.payload.code === 'train.non_finite' ? 'The loss' : null;
  if (event.type === 'eval') return event.payload.metrics.loss === null ? 'The evaluation loss' : null;
  if (ofStep(event, 'loss') === null) return 'The training loss';
  return ofStep(event, 'grad_norm') === null ? 'The gradient norm' : null;
}

export const notFiniteNumbers = (): Watcher => new NotFinite();

const PLATEAU_LEAST = 100;
const PLATEAU_SHARE = 0.15;
const PLATEAU_GAIN = 0.002;
/** Below this share of its peak the learning rate is too low for much to happen. */
const RATE_SHARE = 0.2;

/** The mean loss of a long stretch is that of the stretch before it, while the learning rate is high. */
class Plateau implements Watcher {
  #length = Number.POSITIVE_INFINITY;
  /** Sums of the losses up to each step of the attempt. */
  #sums = [0];
  #peak = 0;
  #said = false;

  see(event: RunEvent): Said | null {
    if (event.type === 'started') {
      this.#length = Math.max(PLATEAU_LEAST, Math.ceil(event.payload.total_steps * PLATEAU_SHARE));
      this.#sums = [0];
    }
    const loss = ofStep(event, 'loss');
    if (typeof loss !== 'number' || event.type !== 'step') return null;
    const rate = event.payload.metrics.learning_rate ?? 0;
    this.#peak = Math.max(this.#peak, rate);
    this.#sums.push((this.#sums.at(-1) ?? 0) + loss);
    const steps = this.#sums.length - 1;
    if (this.#said || steps < 2 * this.#length) return null;
    // The warm-up is no time to learn much, nor is the end of the schedule.
    if (rate < this.#peak * RATE_SHARE) return null;
    const upTo = (step: number) => this.#sums[step] ?? 0;
    const middle = upTo(steps - this.#length);
    const before = (middle - upTo(steps - 2 * this.#length)) / this.#length;
    const now = (upTo(steps) - middle) / this.#length;
    if (now < before * (1 - PLATEAU_GAIN) || now > before * (1 + 10 * PLATEAU_GAIN)) return null;
    this.#said = true;
    return {
      message: `The training loss has stayed at about ${exact(now)} for ${2 * this.#length} steps.`,
      cause:
        'The learning rate is too low (or so high that steps cancel out), or the data has no more to teach this method.',
      advice:
        'Compare the evaluation at the last checkpoints: if they are equal too, stop here, or try a run with three times or a third of the learning rate, or a higher rank.',
    };
  }
}

export const plateau = (): Watcher => new Plateau();

const SHARE_STEPS = 20;
const LEAST_SHARE = 0.02;
const MOST_SHARE = 0.995;

/** Nearly no token of the batches counts in the loss, or nearly every one. */
class MaskedShare implements Watcher {
  #steps = 0;
  #tokens = 0;
  #targets = 0;
  #said = false;

  see(event: RunEvent): Said | null {
    const [tokens, targets] = [ofStep(event, 'tokens'), ofStep(event, 'target_tokens')];
    if (this.#said || this.#steps >= SHARE_STEPS || !tokens || typeof targets !== 'number') return null;
    this.#steps += 1;
    this.#tokens += tokens;
    this.#targets += targets;
    if (this.#steps < SHARE_STEPS) return null;
    const share = this.#targets / this.#tokens;
    if (share > LEAST_SHARE && share < MOST_SHARE) return null;
    this.#said = true;
    const percent = `${exact(100 * share)} % of the tokens`;
    if (share >= MOST_SHARE)
      return {
        message: `${percent} count in the loss: prompts are trained as well.`,
        cause:
          'The columns are mapped so that everything is an answer, or the chat template marks no answers.',
        advice: 'Look at a row under Datasets, "What is trained", and correct the columns.',
      };
    return {
      message: `Only ${percent} count in the loss.`,
      cause: 'Answers are very short beside their prompts, or lie mostly behind the sequence length.',
      advice: 'Look at token lengths under Datasets; raise the sequence length, or shorten the prompts.',
    };
  }
}

export const maskedShare = (): Watcher => new MaskedShare();

const SLOW_STEPS = 10;
const SLOW_TIMES = 1.5;

/** One rank computes much longer than the others, many steps in a row. */
class SlowRank implements Watcher {
  readonly #seconds = new Map<number, number>();
  #step = 0;
  #row = 0;
  #slowest = -1;
  #said = -1;

  see(event: RunEvent): Said | null {
    if (event.type === 'started' && event.rank === 0) [this.#row, this.#said] = [0, -1];
    if (event.type !== 'rank_step') return null;
    const said = event.step === this.#step ? null : this.#judge();
    this.#step = event.step;
    this.#seconds.set(event.rank, event.payload.compute_seconds);
    return said;
  }

  /** Of the step before: all its ranks are in. */
  #judge(): Said | null {
    const all = [...this.#seconds].sort((a, b) => b[1] - a[1]);
    this.#seconds.clear();
    const [slowest, ...others] = all;
    if (!slowest || others.length === 0) return null;
    const [rank, seconds] = slowest;
    const usual = median(others.map(([, one]) => one));
    const slow = seconds > usual * SLOW_TIMES;
    this.#row = slow && rank === this.#slowest ? this.#row + 1 : slow ? 1 : 0;
    this.#slowest = rank;
    if (!slow) this.#said = -1;
    if (this.#row < SLOW_STEPS || this.#said === rank) return null;
    this.#said = rank;
    return {
      message: `Rank ${rank} computes ${exact(seconds / usual)} times as long as the others, ${SLOW_STEPS} steps in a row; all wait for it.`,
      cause:
        'Its stage of the pipeline has more to do, or its device is slower, hot or shared with other work.',
      advice: 'See Ranks and Machine; give the layers another split, or move what else runs there.',
    };
  }
}

export const slowRank = (): Watcher => new SlowRank();
