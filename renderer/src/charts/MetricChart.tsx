/** One chart of a run: title, values under the cursor, lines; or the same as a table. */
import { ActionIcon } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconChartLine, IconDownload, IconTable } from '@tabler/icons-react';
import { useMemo, useRef, useState } from 'react';
import { Hint } from '../components/Hint.tsx';
import { useChartGroup, useCursorDrawing } from './ChartGroup.tsx';
import { ChartOverlay } from './ChartOverlay.tsx';
import { ChartTable } from './ChartTable.tsx';
import { toCsv } from './chart-csv.ts';
import {
  type ChartLine,
  chartFrame,
  describeChart,
  drawnLines,
  summarize,
  valueNear,
} from './chart-model.ts';
import type { ChartSettings } from './chart-settings.ts';
import classes from './charts.module.css';
import { download } from './download.ts';
import { PlotAxes, PlotLines, type PlotMark } from './LinesPlot.tsx';
import { MARGIN, type PlotArea } from './plot-area.ts';
import { Swatch } from './Swatch.tsx';

interface Props {
  title: string;
  lines: readonly ChartLine[];
  xLabel: string;
  formatX: (x: number) => string;
  /** Ticks of x, where they should be shorter than exact values. */
  formatXTick: (x: number) => string;
  formatY: (y: number) => string;
  /** Ticks of y, where they should be shorter than exact values. */
  formatTick?: (y: number) => string;
  settings: ChartSettings;
  /** `positive`: the values may be shown on a log axis. */
  values: 'positive' | 'any';
  zero?: boolean;
  /** How the marks of y are rounded. */
  yKind?: 'plain' | 'bytes';
  /** Part of x that all charts of a group show when nothing is zoomed; else that of the lines. */
  extent?: readonly [number, number] | null;
  marks?: readonly PlotMark[];
  /** False: names of the lines are told elsewhere. */
  legend?: boolean;
  height?: number;
  /** Below the plot: how its lines are meant. */
  note?: string;
  emptyText: string;
}

const NO_MARKS: readonly PlotMark[] = [];

export function MetricChart(props: Props) {
  const { title, lines, xLabel, formatX, formatY, settings, height = 240, marks = NO_MARKS } = props;
  const { ref, width } = useElementSize();
  const { window } = useChartGroup();
  const [view, setView] = useState<'chart' | 'table'>('chart');

  const scale = props.values === 'positive' ? settings.scale : 'linear';
  const pixels = Math.max(0, width - MARGIN.left - MARGIN.right);
  const { clip } = settings;
  // Only where it changes something: the other charts stay as they are while it moves.
  const smoothing = lines.some(({ style }) => style === 'smoothed') ? settings.smoothing : 0;
  const zero = props.zero === true;
  const xKind = settings.x === 'seconds' ? 'time' : 'count';
  const yKind = props.yKind ?? 'plain';
  const shown = window ?? props.extent ?? null;
  const frame = useMemo(
    () => (pixels > 0 ? chartFrame(lines, { scale, clip, window: shown, pixels, zero, xKind, yKind }) : null),
    [lines, scale, clip, shown, pixels, zero, xKind, yKind],
  );
  const drawn = useMemo(
    () => (frame ? drawnLines(lines, frame.xDomain, { pixels, scale, smoothing }) : []),
    [lines, frame, pixels, scale, smoothing],
  );
  const area = useMemo<PlotArea | null>(
    () =>
      frame && {
        width: pixels,
        height: height - MARGIN.top - MARGIN.bottom,
        xDomain: frame.xDomain,
        yDomain: frame.yDomain,
        scale,
      },
    [frame, pixels, height, scale],
  );
  const description = useMemo(() => describeChart(title, lines, formatY), [title, lines, formatY]);

  return (
    <figure className={classes.chart} aria-label={description}>
      <div className={classes.header}>
        <div className={classes.title}>{title}</div>
        {props.legend === false ? (
          <div className={classes.legend} />
        ) : (
          <Legend lines={lines} formatY={formatY} />
        )}
        <Hint label={view === 'chart' ? 'Show as table' : 'Show as chart'}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={view === 'chart' ? `${title}: show as table` : `${title}: show as chart`}
            onClick={() => setView(view === 'chart' ? 'table' : 'chart')}
          >
            {view === 'chart' ? <IconTable size={16} /> : <IconChartLine size={16} />}
          </ActionIcon>
        </Hint>
        <Hint label="Save as CSV">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`${title}: save as CSV`}
            disabled={lines.every((line) => line.x.length === 0)}
            onClick={() => download(`${title.toLowerCase()}.csv`, 'text/csv', toCsv(xLabel, lines))}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Hint>
      </div>
      <div ref={ref} className={classes.plot} style={{ height }}>
        {view === 'table' && <ChartTable {...{ title, lines, xLabel, height, formatX, formatY }} />}
        {view === 'chart' && frame && area && (
          <>
            <div aria-hidden="true">
              <PlotAxes
                frame={frame}
                area={area}
                marks={marks}
                formatX={props.formatXTick}
                formatY={props.formatTick ?? formatY}
              />
              <PlotLines drawn={drawn} area={area} zoomed={window !== null} />
            </div>
            <ChartOverlay {...{ title, lines, area, xLabel, formatX, formatY }} />
          </>
        )}
        {view === 'chart' && !frame && (
          <div className={classes.empty} style={{ height }}>
            {width > 0 ? props.emptyText : ''}
          </div>
        )}
      </div>
      {props.note && <figcaption className={classes.note}>{props.note}</figcaption>}
    </figure>
  );
}

/** Names of the lines with the value under the cursor where it rests, or the last one. */
function Legend({ lines, formatY }: { lines: readonly ChartLine[]; formatY: (y: number) => string }) {
  const { cursor } = useChartGroup();
  const box = useRef<HTMLDivElement>(null);
  const lasts = useMemo(() => lines.map((line) => summarize(line.y).last), [lines]);
  useCursorDrawing(box, cursor, 'rest', (x) => {
    for (const [i, key] of [...(box.current?.children ?? [])].entries()) {
      const line = lines[i];
      const value = x === null || !line ? lasts[i] : valueNear(line, x)?.y;
      const text = value === undefined ? '–' : formatY(value);
      const place = key.lastElementChild;
      if (place && place.textContent !== text) place.textContent = text;
    }
  });
  return (
    <div ref={box} className={classes.legend}>
      {lines.map((line) => (
        <span key={line.key} className={classes.key}>
          <Swatch line={line} />
          {line.label}
          <span className={classes.value} />
        </span>
      ))}
    </div>
  );
}
