/** Where the ranks of a run are, and which colour each has. Pure. */
import type { Device } from '../../../../electron/shared/api/entities.ts';
import {
  type ParallelSpec,
  parseHost,
  placeOf,
  worldSize,
} from '../../../../electron/shared/spec/parallel-fields.ts';

export const colourings = ['stage', 'dpRank', 'tpRank'] as const;
/** What the colour of a rank says. */
export type Colouring = (typeof colourings)[number];
export const colouringTitles: Record<Colouring, string> = {
  stage: 'Stage',
  dpRank: 'Data parallel',
  tpRank: 'Tensor parallel',
};

/** One of the groups that have a colour each. */
export const groupNames: Record<Colouring, string> = { stage: 'Stage', dpRank: 'Copy', tpRank: 'Part' };

export interface RankPlace {
  rank: number;
  stage: number;
  dpRank: number;
  tpRank: number;
}

/** One device, or the CPU of one host, with the ranks on it. */
export interface RankDevice {
  key: string;
  title: string;
  /** What it is, where the title only numbers it. */
  name?: string;
  kind: 'cpu' | 'cuda';
  units: number | null;
  ranks: RankPlace[];
}

export const placesOf = (parallel: ParallelSpec): RankPlace[] =>
  Array.from({ length: worldSize(parallel) }, (_, rank) => ({ rank, ...placeOf(parallel, rank) }));

/** "Rank 3: stage 1, data-parallel copy 0, tensor-parallel part 1". */
export const placeText = ({ rank, stage, dpRank, tpRank }: RankPlace): string =>
  `Rank ${rank}: stage ${stage}, data-parallel copy ${dpRank}, tensor-parallel part ${tpRank}`;

/** The machine's devices with their ranks. Ranks that have no device of their own are left over, the last entry. */
export function rankDevices(
  parallel: ParallelSpec,
  hosts: readonly string[],
  kind: 'cpu' | 'cuda',
  devices: readonly Device[],
): RankDevice[] {
  const places = placesOf(parallel);
  const own = devices.filter((device) => device.kind === kind);
  if (hosts.length > 0) return onHosts(places, hosts, kind);
  if (kind === 'cpu')
    return [{ key: 'cpu', title: own[0]?.name ?? 'CPU', kind, units: own[0]?.units ?? null, ranks: places }];
  const cards = own.map((device, k) => ({
    key: `gpu-${device.index}`,
    title: `GPU ${device.index}`,
    name: device.name,
    kind,
    units: device.units,
    ranks: places.slice(k, k + 1),
  }));
  const homeless = places.slice(own.length);
  return homeless.length === 0
    ? cards
    : [...cards, { key: 'none', title: 'Without a GPU', kind, units: null, ranks: homeless }];
}

/** Hosts are filled in their order, as mpirun does. */
function onHosts(places: RankPlace[], hosts: readonly string[], kind: 'cpu' | 'cuda'): RankDevice[] {
  let from = 0;
  const filled = hosts.map((host) => {
    const { name, slots } = parseHost(host) ?? { name: host, slots: 0 };
    const ranks = places.slice(from, from + slots);
    from += ranks.length;
    return hostDevice(name, kind, ranks);
  });
  const homeless = places.slice(from);
  return homeless.length === 0
    ? filled
    : [...filled, { ...hostDevice('none', kind, homeless), title: 'Without a slot' }];
}

const hostDevice = (name: string, kind: 'cpu' | 'cuda', ranks: RankPlace[]): RankDevice => ({
  key: name,
  title: name,
  kind,
  units: null,
  ranks,
});

/** The hosts that ranks say they are on, as a batch system has placed them; null while they are not several. */
export function devicesOfHosts(
  ranks: readonly (RankPlace & { host: string })[],
  kind: 'cpu' | 'cuda',
): RankDevice[] | null {
  const hosts = new Map<string, RankPlace[]>();
  for (const { host, ...place } of ranks) hosts.set(host, [...(hosts.get(host) ?? []), place]);
  const unknown = hosts.get('') ?? [];
  hosts.delete('');
  if (hosts.size < 2) return null;
  const known = [...hosts].map(([name, places]) => hostDevice(name, kind, places));
  return unknown.length === 0
    ? known
    : [...known, { ...hostDevice('none', kind, unknown), title: 'Not started yet' }];
}

export const COLOURS = 8;
/** Colours repeat after eight groups; the number on a rank tells them apart. */
export const colourOf = (place: RankPlace, by: Colouring): string => `var(--rank-${place[by] % COLOURS})`;

/** A rank of each group, in their order. */
export function groupsOf(devices: readonly RankDevice[], by: Colouring): RankPlace[] {
  const groups = new Map(devices.flatMap(({ ranks }) => ranks).map((place) => [place[by], place]));
  return [...groups.values()].sort((a, b) => a[by] - b[by]);
}
