/** What is known of a metric and of a chart: the form of the rows of `metrics.ts`. */

export type MetricUnit =
  | 'nats'
  | 'share'
  | 'tokens'
  | 'tokens/s'
  | 'bytes'
  | 'bytes/s'
  | 'seconds'
  | 'W'
  | 'kWh'
  | '°C'
  | '';

export interface Metric {
  /** Key in the events. */
  name: string;
  title: string;
  /** Shorter, among the lines of its chart. */
  label?: string;
  unit: MetricUnit;
  /** How its axis may run: `log`, always positive and may be shown logarithmically; `zero`, linear from zero. */
  scale: 'log' | 'linear' | 'zero';
  /** Which way is better; null: neither. */
  better: 'lower' | 'higher' | null;
  /** The chart it is drawn in (`charts` below); null: in none. */
  chart: string | null;
  /** Events that carry it; `monitor`: what is measured of the machine. */
  events: readonly ('step' | 'eval' | 'monitor')[];
  /** Of what there may be several, each with a metric of its own beside the one of all (`partName`). */
  parts?: 'rank' | 'gpu';
  /** Noisy from step to step: drawn averaged, with the measured values faint behind. */
  noisy: boolean;
  help: string;
}

/** A row with what most metrics have. */
export const metric = (name: string, row: Partial<Metric> & Pick<Metric, 'title' | 'help'>): Metric => ({
  name,
  unit: '',
  scale: 'linear',
  better: null,
  chart: null,
  events: ['step'],
  noisy: false,
  ...row,
});

export interface ChartInfo {
  id: string;
  title: string;
  /** As wide as two others. */
  wide?: boolean;
  /** Of the machine: below those of the training. */
  machine?: boolean;
}
