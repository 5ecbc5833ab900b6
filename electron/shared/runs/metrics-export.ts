/** Files that other tools read the metrics of a run from. */
export const metricsFormats = ['csv', 'tensorboard'] as const;
export type MetricsFormat = (typeof metricsFormats)[number];
