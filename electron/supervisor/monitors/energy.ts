/** Energy of several devices over time: from their counters, or from their power where they have none. */
export interface EnergySource {
  key: string;
  /** A counter of joules; null: it has none. */
  joules: number | null;
  /** Where the counter begins again at 0; null: not known, or nowhere. */
  range: number | null;
  watts: number | null;
}

export const JOULES_PER_KWH = 3.6e6;

export class EnergyMeter {
  #joules: number;
  #measured: boolean;
  #seconds: number | null = null;
  #before = new Map<string, EnergySource>();

  /** `kwh`: of attempts before; null: nothing was measured in them. */
  constructor(kwh: number | null) {
    this.#joules = (kwh ?? 0) * JOULES_PER_KWH;
    this.#measured = kwh !== null;
  }

  /** null: there is nothing that tells. */
  get kwh(): number | null {
    return this.#measured ? this.#joules / JOULES_PER_KWH : null;
  }

  /** `seconds`: when, on a clock that never goes back. A device that is silent for a while counts again from where it speaks. */
  add(seconds: number, sources: readonly EnergySource[]): void {
    const elapsed = this.#seconds === null ? 0 : seconds - this.#seconds;
    for (const now of sources) {
      const before = this.#before.get(now.key);
      if (before) this.#joules += spent(before, now, elapsed);
      if (now.joules !== null || now.watts !== null) this.#measured = true;
    }
    this.#before = new Map(sources.map((source) => [source.key, source]));
    this.#seconds = seconds;
  }
}

function spent(before: EnergySource, now: EnergySource, seconds: number): number {
  if (before.joules !== null && now.joules !== null) {
    const joules = now.joules - before.joules;
    // Begun again: by itself, or (where that cannot be) because its driver did.
    return joules >= 0 ? joules : now.range === null ? 0 : joules + now.range;
  }
  if (before.watts === null || now.watts === null) return 0;
  return ((before.watts + now.watts) / 2) * seconds;
}
