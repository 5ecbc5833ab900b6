/** What the reader chose for all charts of a run, kept in this browser. */
import { type Axis, axes } from '../../../electron/shared/runs/points.ts';

export interface ChartSettings {
  x: Axis;
  smoothing: number;
  scale: 'linear' | 'log';
  clip: 'all' | 'percentile';
}

export const defaultChartSettings: ChartSettings = {
  x: 'step',
  smoothing: 0.6,
  scale: 'linear',
  clip: 'all',
};

const KEY = 'collie.charts';

/** Anything unreadable counts as not chosen. */
export function loadChartSettings(storage: Pick<Storage, 'getItem'> | undefined): ChartSettings {
  try {
    const saved = JSON.parse(storage?.getItem(KEY) ?? '{}') as Partial<Record<keyof ChartSettings, unknown>>;
    const one = <T extends string>(value: unknown, choices: readonly T[], otherwise: T): T =>
      choices.includes(value as T) ? (value as T) : otherwise;
    const { smoothing } = saved;
    return {
      x: one(saved.x, axes, defaultChartSettings.x),
      smoothing:
        typeof smoothing === 'number' && smoothing >= 0 && smoothing < 1
          ? smoothing
          : defaultChartSettings.smoothing,
      scale: one(saved.scale, ['linear', 'log'], defaultChartSettings.scale),
      clip: one(saved.clip, ['all', 'percentile'], defaultChartSettings.clip),
    };
  } catch {
    return defaultChartSettings;
  }
}

export function saveChartSettings(
  storage: Pick<Storage, 'setItem'> | undefined,
  settings: ChartSettings,
): void {
  try {
    storage?.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A full or forbidden storage costs only the memory of this choice.
  }
}
