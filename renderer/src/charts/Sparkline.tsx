/** A small line without axes, for a value that is written beside it. Decoration for the eye: hidden from readers. */
interface Props {
  values: readonly number[];
  /** Value at the top. */
  max: number;
  width?: number | string;
  height?: number;
  color?: string;
  /** How many values the whole width stands for; fewer fill it from the right. */
  slots?: number;
}

export function Sparkline({
  values,
  max,
  width = '100%',
  height = 40,
  color = 'var(--chart-1)',
  slots,
}: Props) {
  const count = Math.max(2, slots ?? values.length);
  const start = count - values.length;
  const points = values.map((value, i) => {
    const x = ((start + i) / (count - 1)) * 100;
    const y = (1 - Math.min(1, Math.max(0, value / max))) * 100;
    return `${x.toFixed(2)},${y.toFixed(2)}`;
  });
  const firstX = ((start / (count - 1)) * 100).toFixed(2);
  return (
    <svg width={width} height={height} viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      {points.length > 1 && (
        <>
          <polygon points={`${firstX},100 ${points.join(' ')} 100,100`} fill={color} fillOpacity="0.15" />
          <polyline
            points={points.join(' ')}
            fill="none"
            stroke={color}
            strokeWidth="1.5"
            vectorEffect="non-scaling-stroke"
          />
        </>
      )}
    </svg>
  );
}
