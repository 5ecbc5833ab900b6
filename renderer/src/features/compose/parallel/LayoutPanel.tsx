import { Group, NumberInput, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useMemo, useState } from 'react';
import type { LayoutForecast } from '../../../../../electron/shared/api/entities.ts';
import { parallelSchema, worldSize } from '../../../../../electron/shared/spec/parallel-fields.ts';
import { specValue } from '../../../../../electron/shared/spec/spec-fields.ts';
import { ErrorView } from '../../../components/ErrorView.tsx';
import { formatBytes, plural } from '../../../components/format.ts';
import { useStore } from '../../../store/context.tsx';
import { MemoryBar } from '../../devices/Meter.tsx';
import { RankPicture } from '../../devices/RankPicture.tsx';
import { type RankDevice, rankDevices } from '../../devices/rank-places.ts';
import { LayoutTable } from './LayoutTable.tsx';

const MOST_RANKS = 1024;
/** Between two digits of a number. */
const TYPING_MS = 250;

/** The machine's devices with the ranks of the draft on them, and the layouts to choose from. */
export function LayoutPanel() {
  const draft = useStore((s) => s.draft);
  const system = useStore((s) => s.system);
  const preview = useStore((s) => s.preview);
  const parallel = useMemo(() => parallelSchema.safeParse(specValue(draft, 'parallel')), [draft]);
  const device = specValue(draft, 'device') === 'cuda' ? 'cuda' : 'cpu';
  const hosts = specValue(draft, 'hosts');
  const devices = useMemo(
    () =>
      parallel.success
        ? rankDevices(
            parallel.data,
            Array.isArray(hosts) ? hosts.map(String) : [],
            device,
            system?.devices ?? [],
          )
        : [],
    [parallel, hosts, device, system],
  );
  if (!parallel.success) return null;
  const world = worldSize(parallel.data);
  const shown = preview && sameGrid(preview.layout, parallel.data) ? preview.layout : null;
  const cards = system?.devices.filter(({ kind }) => kind === 'cuda').length ?? 0;
  return (
    <Stack gap="md" mt="lg">
      <Text size="sm" role="status">
        {plural(world, 'rank')}, one process each
        {shown && shown.time.bubbleShare > 0
          ? `; in the pipeline a stage waits ${Math.round(100 * shown.time.bubbleShare)}% of a step`
          : ''}
        .
      </Text>
      <RankPicture
        devices={devices}
        foot={(one) => shown && <DeviceMemory device={one} layout={shown} shared={device === 'cpu'} />}
      />
      <Choice world={world} usual={device === 'cuda' && cards > 0 ? cards : world} />
    </Stack>
  );
}

type Grid = LayoutForecast['parallel'];
const sameGrid = ({ parallel: a }: LayoutForecast, b: Grid) =>
  a.dp_size === b.dp_size &&
  a.tp_size === b.tp_size &&
  a.pp_size === b.pp_size &&
  a.zero_stage === b.zero_stage &&
  a.sequence_parallel === b.sequence_parallel;

/** Memory on one device: of its one rank, or of all ranks that share the CPU. */
function DeviceMemory(props: { device: RankDevice; layout: LayoutForecast; shared: boolean }) {
  const { device, layout, shared } = props;
  const sizeOf = (stage: number, tpRank: number) =>
    layout.ranks.find((rank) => rank.stage === stage && rank.tpRank === tpRank)?.memory.totalBytes ?? 0;
  const bytes = device.ranks.reduce((sum, { stage, tpRank }) => sum + sizeOf(stage, tpRank), 0);
  if (device.ranks.length === 0 || device.key === 'none') return null;
  return (
    <MemoryBar
      label={shared ? 'Memory of all ranks' : 'Memory'}
      used={bytes}
      total={layout.availableBytes}
      text={`${formatBytes(bytes)} of ${formatBytes(layout.availableBytes)}`}
    />
  );
}

/** The ranked layouts of a number of ranks, asked for again when the settings have changed. */
function Choice({ world, usual }: { world: number; usual: number }) {
  /** As typed, so that the field can be emptied on the way; null: as many as the draft has. */
  const [typed, setTyped] = useState<number | string | null>(null);
  const allowed = typeof typed === 'number' && typed >= 1 && typed <= MOST_RANKS;
  const ranks = allowed ? typed : world > 1 ? world : usual;
  const [asked] = useDebouncedValue(ranks, TYPING_MS);
  const validation = useStore((s) => s.validation);
  const layouts = useStore((s) => s.layouts);
  const error = useStore((s) => s.layoutsError);
  const loading = useStore((s) => s.layoutsLoading);
  const load = useStore((s) => s.loadLayouts);
  const parallel = useStore((s) => specValue(s.draft, 'parallel'));
  const choose = useStore((s) => s.chooseLayout);
  useEffect(() => {
    // After the check of a change; before it, the settings may be half typed.
    if (validation === 'current') void load(asked);
  }, [validation, asked, load]);
  const incomplete = error?.code === 'spec.invalid';
  return (
    <div>
      <Group gap="xs" mb="xs">
        <Text size="sm" fw={550} component="label" htmlFor="layout-ranks">
          Layouts of
        </Text>
        <NumberInput
          id="layout-ranks"
          size="xs"
          w={84}
          min={1}
          max={MOST_RANKS}
          allowDecimal={false}
          value={typed ?? ranks}
          onChange={setTyped}
          onBlur={() => allowed || setTyped(null)}
        />
        <Text size="sm">ranks, the best first</Text>
      </Group>
      {error && !incomplete && <ErrorView title="The layouts could not be listed" info={error} />}
      {incomplete && (
        <Text size="sm" c="dimmed">
          They appear once model, data and method are chosen.
        </Text>
      )}
      {layouts && (
        <LayoutTable layouts={layouts} chosen={parallel} busy={loading} ranks={ranks} onChoose={choose} />
      )}
    </div>
  );
}
