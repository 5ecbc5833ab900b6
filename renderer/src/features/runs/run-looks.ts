/** One colour for a run wherever it is drawn, kept in this browser. Beyond the colours, dashes tell lines apart. */
export const RUN_COLORS = 10;
const DASHES = ['', '7 3', '2 3', '8 3 2 3'];
/** Slots beyond these look like one before. */
export const LOOKS = RUN_COLORS * DASHES.length;
const KEY = 'collie.runs.colors';
/** Runs whose colours are remembered. */
const MOST = 2000;

export interface RunLook {
  color: string;
  dash?: string;
}

type Slots = ReadonlyMap<string, number>;
type Memory = Pick<Storage, 'getItem' | 'setItem'>;

/**
 * A slot for each id: the one it has, unless another of these looks the same; else the first that is free. More than there are
 * looks share them.
 */
export function assignSlots(ids: readonly string[], known: Slots): Map<string, number> {
  const taken = new Set<number>();
  const slots = new Map<string, number>();
  const all = () => taken.size >= LOOKS;
  for (const id of ids) {
    const slot = known.get(id);
    if (slot === undefined || (taken.has(slot % LOOKS) && !all())) continue;
    taken.add(slot % LOOKS);
    slots.set(id, slot);
  }
  let next = 0;
  for (const id of ids) {
    if (slots.has(id)) continue;
    while (taken.has(next % LOOKS) && !all()) next += 1;
    taken.add(next % LOOKS);
    slots.set(id, next);
    if (all()) next += 1;
  }
  return slots;
}

export function lookOf(slot: number): RunLook {
  const color = `var(--run-${(slot % RUN_COLORS) + 1})`;
  const dash = DASHES[Math.floor(slot / RUN_COLORS) % DASHES.length];
  return dash ? { color, dash } : { color };
}

function load(memory: Memory | undefined): Map<string, number> {
  try {
    const saved: unknown = JSON.parse(memory?.getItem(KEY) ?? '[]');
    if (!Array.isArray(saved)) return new Map();
    return new Map(
      saved.filter(
        (one): one is [string, number] =>
          Array.isArray(one) && typeof one[0] === 'string' && Number.isInteger(one[1]) && one[1] >= 0,
      ),
    );
  } catch {
    return new Map();
  }
}

function remember(known: Slots, memory: Memory | undefined): void {
  try {
    memory?.setItem(KEY, JSON.stringify([...known].slice(-MOST)));
  } catch {
    // A full or forbidden storage costs only the memory of colours.
  }
}

/** The looks of these runs beside each other; new ones are remembered. */
export function looksOf(ids: readonly string[], memory: Memory | undefined): Map<string, RunLook> {
  if (timer !== undefined) write(memory);
  const known = load(memory);
  // In the order of their names: what is dragged elsewhere keeps its colour.
  const slots = assignSlots([...ids].sort(), known);
  const fresh = [...slots].filter(([id]) => !known.has(id));
  for (const [id, slot] of fresh) known.set(id, slot);
  if (fresh.length > 0) remember(known, memory);
  return new Map([...slots].map(([id, slot]) => [id, lookOf(slot)]));
}

/** What has been read from the browser's memory, so that a list of runs need not read it for each. */
let read: Map<string, number> | null = null;
/** Of a write to come. A list that is scrolled gives out dozens of looks a second, and each write was a third of the work of a frame. */
let timer: ReturnType<typeof setTimeout> | undefined;
const WRITE_MS = 500;

function write(memory: Memory | undefined): void {
  clearTimeout(timer);
  timer = undefined;
  const known = load(memory); // a comparison, or another window, may have added some
  for (const [id, slot] of read ?? []) if (!known.has(id)) known.set(id, slot);
  read = known;
  remember(known, memory);
}

/** The look of a run in lists and on its own page; runs that are first seen one after another look different. */
export function lookOfRun(id: string, memory: Memory | undefined = globalThis.localStorage): RunLook {
  const before = read?.get(id);
  if (before !== undefined) return lookOf(before);
  if (read === null || timer === undefined) read = load(memory);
  const slot = read.get(id) ?? read.size;
  if (!read.has(id)) {
    read.set(id, slot);
    timer ??= setTimeout(() => write(memory), WRITE_MS);
  }
  return lookOf(slot);
}

/** Lines of one run: the first in the run's colour; the one that had this colour takes the first's. */
export function ownColors(look: RunLook): Record<string, string> {
  const place = Number(/\d+/.exec(look.color)?.[0]);
  // Of the colours of lines, the first four are those of runs; the fifth is nearly that of the last run.
  const same = place === RUN_COLORS ? 5 : place >= 2 && place <= 4 ? place : null;
  return { '--chart-1': look.color, ...(same === null ? {} : { [`--chart-${same}`]: 'var(--run-1)' }) };
}
