/** Presets in the order in which they suit the chosen model on this machine. Pure. */
import type { Preset } from '../../../../electron/shared/api/entities.ts';
import type { PresetFit } from '../../store/compose.ts';

export interface OrderedPreset {
  readonly preset: Preset;
  /** null: not known; nothing is chosen yet, or it does not go together. */
  readonly fit: PresetFit | null;
  readonly recommended: boolean;
}

/** A run that takes longer is no place to begin. */
const LONG_SECONDS = 24 * 3600;

const place = (fit: PresetFit | null): number => {
  if (fit === null) return 2;
  if (fit.verdict === 'does_not_fit') return 3;
  if (fit.verdict === 'tight') return 1;
  return fit.seconds !== null && fit.seconds > LONG_SECONDS ? 1 : 0;
};

/** Those that fit first, as the presets rank among each other; the first of them is recommended, unless it does not fit. */
export function orderPresets(
  presets: readonly Preset[],
  fits: Readonly<Record<string, PresetFit | null>>,
): OrderedPreset[] {
  const ordered = presets
    .map((preset) => ({ preset, fit: fits[preset.id] ?? null }))
    .sort((a, b) => place(a.fit) - place(b.fit) || a.preset.order - b.preset.order);
  return ordered.map((one, i) => ({ ...one, recommended: i === 0 && one.fit?.verdict !== 'does_not_fit' }));
}
