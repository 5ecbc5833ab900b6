import { useState } from 'react';
import { type ChartSettings, loadChartSettings, saveChartSettings } from './chart-settings.ts';

/** The reader's choices for charts, remembered. */
export function useChartSettings(): [ChartSettings, (settings: ChartSettings) => void] {
  const [settings, setSettings] = useState(() => loadChartSettings(globalThis.localStorage));
  return [
    settings,
    (next) => {
      setSettings(next);
      saveChartSettings(globalThis.localStorage, next);
    },
  ];
}
