/**
 * The language of a text, as langdetect has it (by Nakatani Shuyo's method): naive Bayes over runs of one to three characters, of which it draws
 * some until one language is almost certain, seven times over. langdetect draws others each time; here they are the same for the same text.
 */
import { isUpper } from '../text.ts';

interface Profile {
  name: string;
  /** Runs of one, two and three characters in all. */
  totals: number[];
  grams: Record<string, number>;
}

export interface LanguageData {
  profiles: Profile[];
  /** Characters that count as the first of them. */
  kanji: string[];
  excluded: string;
  vietnamese: { letters: string; marks: string; composed: string[] };
}

const TRIALS = 7;
const MOST_DRAWN = 1000;
const CERTAIN = 0.99999;
const FEWEST = 0.1;
const LONGEST = 10_000;
const URL = /https?:\/\/[-_.?&~;+=/#0-9A-Za-z]{1,2076}/g;
const MAIL = /[-_.0-9A-Za-z]{1,64}@[-_0-9A-Za-z]{1,255}[-_.0-9A-Za-z]{1,255}/g;

const within = (letter: string, low: string, high: string) => letter >= low && letter <= high;

/** Numbers from 0 to 1, always the same ones (mulberry32). */
function drawing(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class LanguageDetector {
  readonly #names: readonly string[];
  /** By run: its share in each language. */
  readonly #shares = new Map<string, Float64Array>();
  readonly #alike = new Map<string, string>();
  readonly #excluded: string;
  readonly #accents: RegExp;
  readonly #vietnamese: LanguageData['vietnamese'];

  constructor({ profiles, kanji, excluded, vietnamese }: LanguageData) {
    this.#names = profiles.map(({ name }) => name);
    for (const [k, { totals, grams }] of profiles.entries())
      for (const [gram, count] of Object.entries(grams)) {
        const shares = this.#shares.get(gram) ?? new Float64Array(profiles.length);
        shares[k] = count / (totals[gram.length - 1] ?? Number.NaN);
        this.#shares.set(gram, shares);
      }
    for (const same of kanji) for (const letter of same) this.#alike.set(letter, same.charAt(0));
    this.#excluded = excluded;
    this.#vietnamese = vietnamese;
    this.#accents = new RegExp(`([${vietnamese.letters}])([${vietnamese.marks}])`, 'gu');
  }

  /** Its code (en, zh-cn); `unknown` where none is likely, null where the text has nothing to go by. */
  detect(text: string): string | null {
    const grams = this.#grams(withoutForeignLatin(this.#plain(text)));
    if (grams.length === 0) return null;
    const draw = drawing();
    const all = new Float64Array(this.#names.length);
    for (let trial = 0; trial < TRIALS; trial += 1)
      for (const [k, value] of this.#trial(grams, draw).entries()) all[k] = (all[k] ?? 0) + value / TRIALS;
    const best = all.indexOf(Math.max(...all));
    return (all[best] ?? 0) > FEWEST ? (this.#names[best] ?? 'unknown') : 'unknown';
  }

  #trial(grams: readonly Float64Array[], draw: () => number): Float64Array {
    const chances = new Float64Array(this.#names.length).fill(1 / this.#names.length);
    // As a normal distribution has it (Box and Muller).
    const normal = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    const least = (0.5 + normal * 0.05) / 10_000;
    for (let drawn = 0; ; drawn += 1) {
      const shares = grams[Math.floor(draw() * grams.length)] as Float64Array;
      for (let k = 0; k < chances.length; k += 1) (chances[k] as number) *= least + (shares[k] ?? 0);
      if (drawn % 5 !== 0) continue;
      const sum = chances.reduce((total, value) => total + value, 0);
      let highest = 0;
      for (let k = 0; k < chances.length; k += 1) {
        chances[k] = (chances[k] ?? 0) / sum;
        highest = Math.max(highest, chances[k] ?? 0);
      }
      if (highest > CERTAIN || drawn >= MOST_DRAWN) return chances;
    }
  }

  /** Without addresses and repeated spaces, Vietnamese letters in one character each. */
  #plain(text: string): string[] {
    const { letters, marks, composed } = this.#vietnamese;
    const bare = text
      .replace(URL, ' ')
      .replace(MAIL, ' ')
      .replace(
        this.#accents,
        (_, letter: string, mark: string) =>
          composed[marks.indexOf(mark)]?.charAt(letters.indexOf(letter)) ?? '',
      );
    return Array.from(bare)
      .slice(0, LONGEST)
      .filter((letter, k, all) => letter !== ' ' || all[k - 1] !== ' ');
  }

  /** Shares of all runs that some profile has; words in capitals say nothing. */
  #grams(letters: readonly string[]): Float64Array[] {
    const found: Float64Array[] = [];
    let run: string[] = [' '];
    let capitals = false;
    for (const raw of letters) {
      const letter = this.#normalized(raw);
      const last = run.at(-1) ?? ' ';
      if (last === ' ') {
        run = [' '];
        capitals = false;
      } else if (run.length >= 3) run = run.slice(1);
      if (last !== ' ' || letter !== ' ') {
        run.push(letter);
        capitals = isUpper(letter) ? capitals || isUpper(last) : false;
      }
      if (capitals) continue;
      for (let n = 1; n <= Math.min(3, run.length); n += 1) {
        const shares = this.#shares.get(run.slice(-n).join(''));
        if (shares && !(n === 1 && run.at(-1) === ' ')) found.push(shares);
      }
    }
    return found;
  }

  #normalized(letter: string): string {
    if (letter <= '\u007f') return within(letter, 'A', 'Z') || within(letter, 'a', 'z') ? letter : ' ';
    if (letter <= '\u00ff') return this.#excluded.includes(letter) ? ' ' : letter;
    // Romanian with a comma below or a cedilla, Persian and Arabic.
    if (letter === '\u0219') return '\u015f';
    if (letter === '\u021b') return '\u0163';
    if (letter === '\u06cc') return '\u064a';
    if (within(letter, '\u2000', '\u206f')) return ' ';
    if (within(letter, '\u1ea0', '\u1eff')) return '\u1ec3';
    if (within(letter, '\u3040', '\u309f')) return '\u3042';
    if (within(letter, '\u30a0', '\u30ff')) return '\u30a2';
    if (within(letter, '\u3100', '\u312f') || within(letter, '\u31a0', '\u31bf')) return '\u3105';
    if (within(letter, '\uac00', '\ud7af')) return '\uac00';
    return this.#alike.get(letter) ?? letter;
  }
}

/** Latin words in a text of another script say nothing of its language. */
function withoutForeignLatin(letters: readonly string[]): readonly string[] {
  const latin = letters.filter((letter) => within(letter, 'A', 'z')).length;
  const others = letters.filter((letter) => letter >= '\u0300').length;
  return latin * 2 < others ? letters.filter((letter) => !within(letter, 'A', 'z')) : letters;
}
