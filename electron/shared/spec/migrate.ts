/**
 * Specs of older versions, and of users of other tools, in the words of the newest: files that users have, and spec.json of old run folders. What the engine reads of
 * them is said there the same way (native/core, newest_spec), as it reads spec.json itself.
 */

export const RUN_SPEC_VERSION = 2;

export interface Migrated {
  spec: unknown;
  /** What was changed, in sentences for a log. Empty: it was of the newest version. */
  notes: string[];
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Version 1: accumulation counted the micro-batches of all data-parallel ranks, and every optimizer had one learning rate. */
function fromVersion1(spec: Json): Migrated {
  const batch = isObject(spec.batch) ? spec.batch : {};
  const ranks = isObject(spec.parallel) ? spec.parallel.dp_size : 1;
  const { grad_accum_steps: all = 2 } = batch;
  const notes = ['The spec is of version 1 and is read as version 2.'];
  const newest: Json = { ...spec, schemaVersion: 2 };
  if (typeof all === 'number' && typeof ranks === 'number' && ranks > 1) {
    const own = Math.ceil(all / ranks);
    newest.batch = { ...batch, grad_accum_steps: own };
    const change =
      own * ranks === all
        ? 'the global batch stays as it was'
        : `which is ${own * ranks}, as ${ranks} ranks cannot share ${all}`;
    notes.push(
      `batch.grad_accum_steps was ${all} micro-batches over ${ranks} data-parallel ranks and is now ${own} on each of them: ${change}.`,
    );
  }
  if (isObject(spec.optimizer) && spec.optimizer.learning_rate === undefined)
    notes.push(
      'optimizer.learning_rate is left out: that is now the recommended one for the method, where version 1 had one for all methods.',
    );
  return { spec: newest, notes };
}

/**
 * Target modules as PEFT and Axolotl take them: "all-linear", and names in one text with commas. The spec has a list of patterns, in which
 * `*` is every linear layer.
 */
function targetModules(spec: Json): Migrated {
  const written = isObject(spec.method) ? spec.method.target_modules : undefined;
  const entries = typeof written === 'string' ? written.split(',') : written;
  if (!isObject(spec.method) || !Array.isArray(entries)) return { spec, notes: [] };
  const names: unknown[] = entries.map((name) => {
    if (typeof name !== 'string') return name;
    return /^all[-_]linear$/i.test(name.trim()) ? '*' : name.trim();
  });
  const read = typeof written === 'string' ? names.filter((name) => name !== '') : names;
  if (typeof written !== 'string' && read.every((name, k) => name === entries[k])) return { spec, notes: [] };
  const notes = [
    `method.target_modules ${JSON.stringify(written).slice(0, 200)} is read as ${JSON.stringify(read).slice(0, 200)}.`,
  ];
  return { spec: { ...spec, method: { ...spec.method, target_modules: read } }, notes };
}

/** Activation checkpointing was on or off, as it is in recipes of other tools. */
function checkpointingLevel(spec: Json): Json {
  const written = spec.activation_checkpointing;
  return typeof written === 'boolean'
    ? { ...spec, activation_checkpointing: written ? 'full' : 'off' }
    : spec;
}

/** Anything but an old spec, or one in words of other tools, comes back as it is: what is wrong with it is for the schema to say. */
export function migrateSpec(spec: unknown): Migrated {
  if (!isObject(spec)) return { spec, notes: [] };
  const newest: Migrated = spec.schemaVersion === 1 ? fromVersion1(spec) : { spec, notes: [] };
  const worded = targetModules(newest.spec as Json);
  return { spec: checkpointingLevel(worded.spec as Json), notes: [...newest.notes, ...worded.notes] };
}
