/** The last minutes of telemetry as short series. Pure. */
import type { Telemetry } from '../../../../electron/shared/api/entities.ts';

export const HISTORY = 120;

/** Newest last; a reading that came before (same time) is not taken twice. */
export function appendReading(history: readonly Telemetry[], reading: Telemetry): readonly Telemetry[] {
  const last = history.at(-1);
  if (last && reading.timeUs <= last.timeUs) return history;
  return [...history.slice(1 - HISTORY), reading];
}

export type GpuReading = Telemetry['gpus'][number];

export const gpuSeries = (
  history: readonly Telemetry[],
  index: number,
  value: (gpu: GpuReading) => number,
): number[] =>
  history.flatMap((reading) => {
    const gpu = reading.gpus.find((g) => g.index === index);
    return gpu ? [value(gpu)] : [];
  });
