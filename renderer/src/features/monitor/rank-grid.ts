/** AdaLoRA's ranks as a grid: a row for each kind of module, a column for each layer. Pure. */
import type { Axis } from '../../../../electron/shared/runs/points.ts';
import type { RankPoint } from '../../../../electron/shared/runs/series.ts';
import type { ChartLine } from '../../charts/chart-model.ts';

export interface RankGrid {
  /** Layers that have an adapted module, in order. */
  layers: readonly number[];
  rows: readonly {
    module: string;
    /** null: this layer has no such adapted module. */
    ranks: readonly (number | null)[];
  }[];
}

const PLACE = /(?:^|\.)layers\.(\d+)\.(?:.*\.)?([^.]+)$/;

/** Modules outside of layers are left out: there are none among the linear layers that get adapters. */
export function rankGrid(modules: Readonly<Record<string, number>>): RankGrid {
  const byModule = new Map<string, Map<number, number>>();
  const layers = new Set<number>();
  for (const [name, rank] of Object.entries(modules)) {
    const match = PLACE.exec(name);
    if (!match) continue;
    const [layer, module] = [Number(match[1]), match[2] as string];
    layers.add(layer);
    const row = byModule.get(module) ?? new Map<number, number>();
    byModule.set(module, row.set(layer, rank));
  }
  const columns = [...layers].sort((a, b) => a - b);
  const rows = [...byModule].map(([module, ranks]) => ({
    module,
    ranks: columns.map((layer) => ranks.get(layer) ?? null),
  }));
  return { layers: columns, rows };
}

/** Highest rank of any module at any time: full colour, so that colours mean the same at every step. */
export const highestRank = (points: readonly RankPoint[]): number =>
  points.reduce((most, { modules }) => Object.values(modules).reduce((top, r) => Math.max(top, r), most), 1);

/** The sum of all ranks over time, and what it was to be. */
export function rankLines(points: readonly RankPoint[], axis: Axis): ChartLine[] {
  const x = Float64Array.from(points, (point) => point[axis]);
  const line = (key: 'total' | 'target', label: string, color: number): ChartLine => ({
    key,
    label,
    color: `var(--chart-${color})`,
    x,
    y: Float64Array.from(points, (point) => point[key]),
    style: 'plain',
  });
  return [line('total', 'Total rank', 1), { ...line('target', 'Target', 5), dash: '6 3' }];
}
