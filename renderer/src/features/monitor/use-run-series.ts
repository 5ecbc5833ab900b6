import { useEffect, useState } from 'react';
import { emptySeries, type RunSeries } from '../../../../electron/shared/runs/series.ts';
import { useStoreHandle } from '../../store/context.tsx';

/** Milliseconds between redraws of a live run. */
const LIVE_MS = 300;
/** While a long run is read in, drawing it often would only make the reading slow. */
const CATCH_UP_MS = 1500;
const CATCH_UP_STEPS = 1000;
/** A redraw may take this share of the time at most, so that a slow machine still gets through the events. */
const DRAW_SHARE = 0.2;

/** The curves of a run, renewed at most a few times a second however many events pour in; the newest always arrive. */
export function useRunSeries(id: string): RunSeries {
  const { store } = useStoreHandle();
  const [series, setSeries] = useState<RunSeries>(() => store.getState().runSeries[id] ?? emptySeries);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let shown: RunSeries = emptySeries;
    let shownAt = 0;
    let cost = 0;
    const newest = () => store.getState().runSeries[id] ?? emptySeries;
    const show = () => {
      timer = undefined;
      shownAt = Date.now();
      shown = newest();
      setSeries(shown);
      // Queued behind the drawing.
      setTimeout(() => {
        cost = Date.now() - shownAt;
      });
    };
    const changed = () => {
      const next = newest();
      if (timer !== undefined || next === shown) return;
      const usual = next.steps.length - shown.steps.length > CATCH_UP_STEPS ? CATCH_UP_MS : LIVE_MS;
      const wait = Math.max(usual, cost / DRAW_SHARE);
      // The first values are shown at once.
      const due =
        shown.steps.length === 0 && next.steps.length <= CATCH_UP_STEPS ? 0 : shownAt + wait - Date.now();
      timer = setTimeout(show, Math.max(0, due));
    };
    changed();
    const end = store.subscribe(changed);
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [store, id]);
  return series;
}
