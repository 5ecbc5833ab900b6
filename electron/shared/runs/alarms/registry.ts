/** All alarms. The supervisor lets their watchers see the events of a run; pages, command line and notifications show what they say. */
import type { RunEvent } from '../events.ts';
import { type Alarm, type AlarmInfo, type AlarmKind, alarmKinds } from './alarm.ts';
import { overfitting } from './overfitting.ts';
import { gradientNorm, lossSpike, maskedShare, notFiniteNumbers, plateau, slowRank } from './steps.ts';

const rows: Record<AlarmKind, Omit<AlarmInfo, 'kind'>> = {
  loss_spike: {
    title: 'Loss spike',
    help: 'The training loss is far above that of the last 50 steps.',
    watch: lossSpike,
  },
  not_finite: { title: 'Not finite', help: 'A loss or gradient norm is no number.', watch: notFiniteNumbers },
  gradient_norm: {
    title: 'Gradient norm',
    help: 'The gradient norm is far above that of the last 50 steps.',
    watch: gradientNorm,
  },
  plateau: {
    title: 'Plateau',
    help: 'The training loss does not fall over a long stretch, with a high learning rate.',
    watch: plateau,
  },
  overfitting: {
    title: 'Overfitting',
    help: 'The evaluation loss rises three times in a row while the training loss falls.',
    watch: overfitting,
  },
  masked_share: {
    title: 'Masked share',
    help: 'Nearly no token counts in the loss, or nearly every one.',
    watch: maskedShare,
  },
  slow_rank: {
    title: 'Slow rank',
    help: 'One rank computes half as long again as the others, ten steps in a row.',
    watch: slowRank,
  },
  not_judged: {
    title: 'Not judged',
    help: 'The judge of an evaluation set gave no score for some answers.',
    watch: null,
  },
};

export const alarms: readonly AlarmInfo[] = alarmKinds.map((kind) => ({ kind, ...rows[kind] }));
export const alarmTitle = (kind: AlarmKind): string => rows[kind].title;

/** All watchers together. */
export class Alarms {
  readonly #watchers = alarms.flatMap(({ kind, watch }) => (watch ? [{ kind, watcher: watch() }] : []));

  see(event: RunEvent): Alarm[] {
    const { step, timeUs } = event;
    // What all ranks go through together is told by the first.
    if (event.rank !== 0 && event.type !== 'rank_step') return [];
    return this.#watchers.flatMap(({ kind, watcher }) => {
      const said = watcher.see(event);
      return said ? [{ kind, step, timeUs, ...said }] : [];
    });
  }
}
