/** One colour for a run wherever it is drawn, kept in this browser. Beyond the colours, dashes tell lines apart. */
export const RUN_COLORS = 10;
const DASHES = ['', '7 3', '2 3', '8 3 2 3'];
const KEY = 'collie.runs.colors';
/** Runs whose colours are remembered. */
const MOST = 2000;

export interface RunLook {
  color: string;
  dash?: string;
}

type Slots = ReadonlyMap<string, number>;

/**
 * A slot for each id: the one it has, unless another of these has it too; else the first that is free. More than there are
 * looks share them.
 */
export function assignSlots(ids: readonly string[], known: Slots): Map<string, number> {
  const taken = new Set<number>();
  const slots = new Map<string, number>();
  for (const id of ids) {
    const slot = known.get(id);
    if (slot === undefined || taken.has(slot)) continue;
    taken.add(slot);
    slots.set(id, slot);
  }
  let next = 0;
  for (const id of ids) {
    if (slots.has(id)) continue;
    while (taken.has(next)) next += 1;
    taken.add(next);
    slots.set(id, next);
  }
  return slots;
}

export function lookOf(slot: number): RunLook {
  const color = `var(--run-${(slot % RUN_COLORS) + 1})`;
  const dash = DASHES[Math.floor(slot / RUN_COLORS) % DASHES.length];
  return dash ? { color, dash } : { color };
}

function load(storage: Pick<Storage, 'getItem'> | undefined): Map<string, number> {
  try {
    const saved: unknown = JSON.parse(storage?.getItem(KEY) ?? '[]');
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

/** The looks of these runs; new ones are remembered. */
export function looksOf(
  ids: readonly string[],
  storage: Pick<Storage, 'getItem' | 'setItem'> | undefined,
): Map<string, RunLook> {
  const known = load(storage);
  // In the order of their names: what is dragged elsewhere keeps its colour.
  const slots = assignSlots([...ids].sort(), known);
  let fresh = false;
  for (const [id, slot] of slots) {
    if (known.has(id)) continue;
    known.set(id, slot);
    fresh = true;
  }
  if (fresh)
    try {
      storage?.setItem(KEY, JSON.stringify([...known].slice(-MOST)));
    } catch {
      // A full or forbidden storage costs only the memory of colours.
    }
  return new Map([...slots].map(([id, slot]) => [id, lookOf(slot)]));
}
