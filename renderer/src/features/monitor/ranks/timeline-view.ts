/** A timeline as rows to draw, and what of it was waiting. Pure. */
import type { RunTimeline, Span } from '../../../../../electron/shared/runs/events.ts';
import { type ParallelSpec, placeOf } from '../../../../../electron/shared/spec/parallel-fields.ts';

export interface TimelineSpan extends Span {
  /** Percent of the picture's width. */
  left: number;
  width: number;
}

export interface TimelineRow {
  rank: number;
  stage: number;
  /** Computed of the step, 0 to 1. */
  busyShare: number;
  forward: number;
  backward: number;
  spans: TimelineSpan[];
}

export interface TimelineView {
  /** Length of the step on its slowest rank. */
  stepUs: number;
  rows: TimelineRow[];
  /** Share of the pipelines' time in which their stages did not compute; null without spans. */
  bubble: number | null;
}

const busy = (spans: readonly Span[]) =>
  spans.reduce((sum, { begin_us, end_us }) => sum + end_us - begin_us, 0);

/** Ranks by stage, then in their order: the pipeline reads from the top. */
export function timelineView({ ranks }: RunTimeline, parallel: ParallelSpec): TimelineView {
  const ends = ranks.flatMap(({ stepUs, spans }) => [stepUs, ...spans.map(({ end_us }) => end_us)]);
  const whole = Math.max(1, ...ends);
  const rows = ranks.map(({ rank, spans }) => ({
    rank,
    stage: placeOf(parallel, rank).stage,
    busyShare: busy(spans) / whole,
    forward: spans.filter(({ kind }) => kind === 'forward').length,
    backward: spans.filter(({ kind }) => kind === 'backward').length,
    spans: spans.map((span) => ({
      ...span,
      left: (100 * span.begin_us) / whole,
      width: (100 * (span.end_us - span.begin_us)) / whole,
    })),
  }));
  return { stepUs: whole, rows, bubble: measuredBubble(ranks, parallel) };
}

/**
 * The stages that pass micro-batches to each other are one pipeline, from the first begin to the last end of any of them. What its
 * stages did not compute of that is the bubble, with what else they waited for.
 */
export function measuredBubble(ranks: RunTimeline['ranks'], parallel: ParallelSpec): number | null {
  const pipelines = new Map<number, Span[][]>();
  for (const { rank, spans } of ranks) {
    const { dpRank, tpRank } = placeOf(parallel, rank);
    const key = dpRank * parallel.tp_size + tpRank;
    pipelines.set(key, [...(pipelines.get(key) ?? []), spans]);
  }
  let [computed, there] = [0, 0];
  for (const stages of pipelines.values()) {
    const all = stages.flat();
    if (all.length === 0 || stages.length < parallel.pp_size) continue;
    const length = all.reduce((end, span) => Math.max(end, span.end_us), 0) - beginOf(all);
    there += length * stages.length;
    computed += busy(all);
  }
  return there > 0 ? Math.max(0, 1 - computed / there) : null;
}

const beginOf = (spans: readonly Span[]) =>
  spans.reduce((begin, span) => Math.min(begin, span.begin_us), Number.POSITIVE_INFINITY);

/** "850 µs", "12.3 ms", "1.94 s". */
export function formatMicroseconds(us: number): string {
  const three = (value: number) => Number(value.toPrecision(3));
  if (us < 1000) return `${Math.round(us)} µs`;
  return us < 999_500 ? `${three(us / 1000)} ms` : `${three(us / 1e6)} s`;
}
