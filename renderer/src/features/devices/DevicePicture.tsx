/** A small drawing of a device: a chip with its cores lit by load, or a card with its fans. */
interface Props {
  kind: 'cpu' | 'cuda';
  /** Cores of a CPU; null draws sixteen. */
  units: number | null;
  /** 0..1 */
  util: number;
}

const MAX_CELLS = 64;

export function DevicePicture({ kind, units, util }: Props) {
  return kind === 'cpu' ? (
    <Chip cells={Math.min(MAX_CELLS, units ?? 16)} util={util} />
  ) : (
    <Card util={util} />
  );
}

function Chip({ cells, util }: { cells: number; util: number }) {
  const columns = Math.ceil(Math.sqrt(cells));
  const rows = Math.ceil(cells / columns);
  const size = 56 / Math.max(columns, rows);
  const lit = util * cells;
  const pins = [22, 34, 46, 58, 70];
  return (
    <svg width="92" height="92" viewBox="0 0 92 92" aria-hidden="true">
      {pins.map((p) => (
        <g key={p} stroke="var(--mantine-color-dimmed)" strokeWidth="2">
          <path d={`M${p} 2V10M${p} 82V90M2 ${p}H10M82 ${p}H90`} />
        </g>
      ))}
      <rect
        x="10"
        y="10"
        width="72"
        height="72"
        rx="7"
        fill="var(--collie-sunken)"
        stroke="var(--mantine-color-dimmed)"
      />
      {Array.from({ length: cells }, (_, i) => {
        const level = Math.min(1, Math.max(0, lit - i));
        const x = 18 + (i % columns) * size;
        const y = 18 + Math.floor(i / columns) * size;
        return (
          <rect
            key={`${x} ${y}`}
            x={x + size * 0.08}
            y={y + size * 0.08}
            width={size * 0.84}
            height={size * 0.84}
            rx={size * 0.12}
            fill="var(--chart-1)"
            fillOpacity={0.12 + 0.78 * level}
          />
        );
      })}
    </svg>
  );
}

function Card({ util }: { util: number }) {
  return (
    <svg width="128" height="72" viewBox="0 0 128 72" aria-hidden="true">
      <rect
        x="6"
        y="8"
        width="118"
        height="46"
        rx="6"
        fill="var(--collie-sunken)"
        stroke="var(--mantine-color-dimmed)"
      />
      <path d="M2 2V64" stroke="var(--mantine-color-dimmed)" strokeWidth="4" />
      <path d="M24 54V62H84V54" fill="none" stroke="var(--mantine-color-dimmed)" strokeWidth="2" />
      {[36, 92].map((x) => (
        <g key={x}>
          <circle cx={x} cy="31" r="17" fill="none" stroke="var(--mantine-color-dimmed)" />
          <circle
            cx={x}
            cy="31"
            r="14"
            fill="none"
            stroke="var(--chart-1)"
            strokeWidth="5"
            strokeDasharray={`${util * 88} 88`}
            transform={`rotate(-90 ${x} 31)`}
          />
        </g>
      ))}
    </svg>
  );
}
