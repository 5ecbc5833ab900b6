/** A sweep while it is being typed: texts, of which the sweep is made once all of them can be read. Pure. */
import { type SpecField, specFields } from '../../../electron/shared/spec/spec-fields.ts';
import type { Sweep, SweepInput } from '../../../electron/shared/spec/sweep.ts';

export interface SweptSetting {
  readonly path: string;
  readonly how: 'list' | 'range';
  /** Of a list. */
  readonly values: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly scale: 'linear' | 'log';
  /** Values of a grid. */
  readonly steps: number;
}

export interface DraftConstraint {
  readonly left: string;
  readonly is: Sweep['constraints'][number]['is'];
  /** A setting's path or a number. */
  readonly right: string;
}

export interface SweepDraft {
  readonly name: string;
  readonly settings: readonly SweptSetting[];
  readonly search: Sweep['search'];
  readonly points: number;
  readonly searchSeed: number;
  /** Empty: the seed of the settings. */
  readonly seeds: readonly string[];
  readonly constraints: readonly DraftConstraint[];
  /** Of successive halving, in trained tokens; empty: none. */
  readonly rungs: readonly string[];
  readonly eta: number;
  /** Evaluations without gain after which a run ends; 0: never. */
  readonly plateau: number;
  /** In nats: less than that is no gain. */
  readonly leastGain: number;
  /** Of the whole sweep; 0: no limit. */
  readonly budgetHours: number;
  readonly budgetTokens: number;
}

export const newSweepDraft = (): SweepDraft => ({
  ...{ name: '', settings: [], search: 'grid', points: 16, searchSeed: 0, seeds: [], constraints: [] },
  ...{ rungs: [], eta: 3, plateau: 0, leastGain: 0, budgetHours: 0, budgetTokens: 0 },
});

/** The first field of this path: variants that share a setting share its name and kind. */
export const fieldAt = (path: string): SpecField | undefined =>
  specFields().find((field) => field.path === path);

export const isNumeric = (field: SpecField | undefined): boolean =>
  field?.kind === 'number' || field?.kind === 'integer';

/** What a new row begins with: a list around what the setting is now. */
export function newSetting(path: string, now: unknown): SweptSetting {
  const field = fieldAt(path);
  const value = now ?? field?.default;
  const values = value === undefined || value === null ? [] : [textOf(value)];
  const log = field?.meta.scale === 'log';
  return { path, how: 'list', values, from: '', to: '', scale: log ? 'log' : 'linear', steps: 3 };
}

/** As people type it: lists with commas. */
export function textOf(value: unknown): string {
  if (value === null) return 'none';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const lists: readonly SpecField['kind'][] = ['multi_choice', 'text_list', 'integer_list'];

/** Throws a sentence for a text that is no value of this setting. */
function readValue(text: string, field: SpecField | undefined): unknown {
  if (field?.nullable && text === 'none') return null;
  if (field && isNumeric(field)) return numberOf(text, field.meta.title);
  if (field?.kind === 'boolean') return text === 'true';
  if (field && lists.includes(field.kind)) {
    const items = text.split(',').flatMap((one) => one.trim() || []);
    return field.kind === 'integer_list' ? items.map((one) => numberOf(one, field.meta.title)) : items;
  }
  return text;
}

function numberOf(text: string, what: string): number {
  const value = Number(text.replaceAll(',', ''));
  if (text.trim() === '') throw new Error(`${what}: a number is missing.`);
  if (Number.isNaN(value)) throw new Error(`${what}: "${text}" is no number.`);
  return value;
}

/** The sweep, or what is still to do. */
export function sweepOf(
  draft: SweepDraft,
  spec: Readonly<Record<string, unknown>>,
): { sweep: SweepInput } | { todo: string } {
  try {
    if (draft.settings.length === 0) return { todo: 'Choose a setting to sweep.' };
    if (draft.name.trim() === '') return { todo: 'Give the sweep a name.' };
    const settings = Object.fromEntries(draft.settings.map((one) => [one.path, settingOf(one)]));
    const seeds = draft.seeds.map((seed) => numberOf(seed, 'Seeds'));
    const { name: _, ...rest } = spec;
    return {
      sweep: {
        ...{ name: draft.name, spec: rest, settings, search: draft.search },
        ...{ points: draft.points, search_seed: draft.searchSeed },
        ...earlyOf(draft),
        ...{ seeds: seeds.length === 0 ? null : seeds, constraints: draft.constraints.map(constraintOf) },
      },
    };
  } catch (thrown) {
    return { todo: (thrown as Error).message };
  }
}

function earlyOf({
  rungs,
  eta,
  plateau,
  leastGain,
  budgetHours,
  budgetTokens,
}: SweepDraft): Pick<SweepInput, 'halving' | 'plateau' | 'budget'> {
  const tokens = rungs.map((rung) => numberOf(rung, 'Rungs')).sort((a, b) => a - b);
  return {
    halving: tokens.length === 0 ? null : { rungs: tokens, eta },
    plateau: plateau === 0 ? null : { evaluations: plateau, least: leastGain },
    budget:
      budgetHours === 0 && budgetTokens === 0
        ? null
        : { hours: budgetHours || null, tokens: budgetTokens || null },
  };
}

function settingOf(setting: SweptSetting): SweepInput['settings'][string] {
  const field = fieldAt(setting.path);
  const title = field?.meta.title ?? setting.path;
  if (setting.how === 'list') {
    if (setting.values.length === 0) throw new Error(`${title}: give it values.`);
    return { values: setting.values.map((text) => readValue(text, field)) };
  }
  const [from, to] = [numberOf(setting.from, title), numberOf(setting.to, title)];
  return { from, to, scale: setting.scale, steps: setting.steps, whole: field?.kind === 'integer' };
}

function constraintOf({ left, is, right }: DraftConstraint): Sweep['constraints'][number] {
  if (left === '' || right.trim() === '') throw new Error('A constraint needs both of its sides.');
  return { left, is, right: Number.isNaN(Number(right)) ? right.trim() : Number(right) };
}

/** A sweep that is there, for the editor. */
export function draftOf(sweep: Sweep): SweepDraft {
  const { name, search, points, search_seed, seeds, constraints, halving, plateau, budget } = sweep;
  return {
    ...{ name, search, points, searchSeed: search_seed, seeds: (seeds ?? []).map(String) },
    ...{
      rungs: (halving?.rungs ?? []).map(String),
      eta: halving?.eta ?? 3,
      plateau: plateau?.evaluations ?? 0,
      leastGain: plateau?.least ?? 0,
      budgetHours: budget?.hours ?? 0,
      budgetTokens: budget?.tokens ?? 0,
    },
    settings: Object.entries(sweep.settings).map(([path, one]): SweptSetting => {
      const blank = newSetting(path, null);
      if ('values' in one) return { ...blank, how: 'list', values: one.values.map(textOf) };
      const { from, to, scale, steps } = one;
      return { ...blank, how: 'range', values: [], from: String(from), to: String(to), scale, steps };
    }),
    constraints: constraints.map(({ left, is, right }) => ({ left, is, right: String(right) })),
  };
}
