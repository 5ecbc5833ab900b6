import { useEffect, useState } from 'react';
import type { Telemetry } from '../../../../electron/shared/api/entities.ts';
import { useStore } from '../../store/context.tsx';
import { appendReading } from './telemetry-history.ts';

/** Readings since the page was opened, newest last. */
export function useTelemetry(): readonly Telemetry[] {
  const watch = useStore((s) => s.watchTelemetry);
  const newest = useStore((s) => s.telemetry);
  const [history, setHistory] = useState<readonly Telemetry[]>([]);
  useEffect(() => watch(), [watch]);
  useEffect(() => {
    if (newest) setHistory((before) => appendReading(before, newest));
  }, [newest]);
  return history;
}
