/** The curves of a comparison as a drawing inside of a page that needs nothing else. Pure. */
import type { ComparisonReport, Curves } from '../../shared/runs/comparison.ts';

const WIDTH = 1100;
const HEIGHT = 340;
const LEFT = 70;
const BOTTOM = 40;
const TOP = 10;
/** Told apart by most colour-blind readers, on white and on black. */
const COLORS = ['#2f7fd1', '#e0661f', '#2f9e44', '#a14ac2', '#8a8d93', '#c2255c', '#0c8599', '#b08900'];

const short = (value: number) => Number(value.toPrecision(3)).toString();

export interface ExportChart {
  title: string;
  curves: Curves;
}

/** Empty where nothing is to be drawn. `escaped` makes text of HTML. */
export function chartSvg(
  { title, curves }: ExportChart,
  groups: ComparisonReport['groups'],
  escaped: (text: string) => string,
): string {
  const values = curves.groups.flatMap(({ mean, low, high }) => [...mean, ...(low ?? []), ...(high ?? [])]);
  const known = values.filter((value): value is number => value !== null);
  const [first, last] = [curves.x[0], curves.x.at(-1)];
  if (known.length === 0 || first === undefined || last === undefined) return '';
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  const x = (value: number) => LEFT + ((value - first) / (last - first || 1)) * (WIDTH - LEFT - 10);
  const y = (value: number) => TOP + ((high - value) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const point = (at: number, value: number) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  const marks = [0, 0.25, 0.5, 0.75, 1];
  const axes = marks.map((share) => {
    const [value, at] = [low + share * (high - low), first + share * (last - first)];
    return `<path class="grid" d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - 10}"/><text x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text><text x="${x(at).toFixed(1)}" y="${HEIGHT - 20}" text-anchor="middle">${short(at)}</text>`;
  });
  const drawn = curves.groups.map(({ key, mean, low: from, high: to }) => {
    const place = groups.findIndex((group) => group.key === key);
    const color = COLORS[place % COLORS.length];
    const known = [...mean.keys()].filter((k) => mean[k] !== null);
    const path = (side: readonly (number | null)[], rows: readonly number[]) =>
      rows.map((k) => point(curves.x[k] as number, side[k] as number)).join('L');
    const band =
      from && to && known.length > 1
        ? `<path fill="${color}" fill-opacity=".15" d="M${path(from, known)}L${path(to, [...known].reverse())}Z"/>`
        : '';
    return `${band}<path class="line" stroke="${color}" d="M${path(mean, known)}"/>`;
  });
  const legend = groups
    .map(
      (group, k) =>
        `<span><i style="background:${COLORS[k % COLORS.length]}"></i>${escaped(group.title)}</span>`,
    )
    .join('');
  return `<h2>${escaped(title)}</h2><p class="legend">${legend}</p><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${axes.join('')}${drawn.join('')}<text x="${WIDTH / 2}" y="${HEIGHT - 2}" text-anchor="middle">Step</text></svg>`;
}
