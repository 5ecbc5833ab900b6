/** Where the plot lies inside a chart's box, and how values become pixels in it. */
import type { ScaleKind } from './scale.ts';

/** Pixels around the plot: the axes have fixed room, so that the overlay needs no measuring. */
export const MARGIN = { top: 8, right: 14, bottom: 26, left: 58 } as const;

export interface PlotArea {
  width: number;
  height: number;
  xDomain: readonly [number, number];
  yDomain: readonly [number, number];
  scale: ScaleKind;
}

const share = (value: number, [low, high]: readonly [number, number]) => (value - low) / (high - low);

export const xPixel = (area: PlotArea, x: number) => share(x, area.xDomain) * area.width;

export const xValue = ({ width, xDomain: [low, high] }: PlotArea, pixel: number) =>
  low + (Math.min(width, Math.max(0, pixel)) / width) * (high - low);

/** From the top. Values outside the axis lie outside the plot. */
export function yPixel({ height, yDomain, scale }: PlotArea, y: number): number {
  const at =
    scale === 'log' ? share(Math.log(y), [Math.log(yDomain[0]), Math.log(yDomain[1])]) : share(y, yDomain);
  return (1 - at) * height;
}
