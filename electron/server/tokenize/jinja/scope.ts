/** Where names are looked up, where text goes, and what a for block knows of itself. */
import { compareBy } from './operators.ts';
import { Attributes, EndlessError, Undefined, type Value } from './values.ts';

export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #parent: Scope | null;

  constructor(parent: Scope | null, values: Iterable<readonly [string, Value]> = []) {
    this.#parent = parent;
    for (const [name, value] of values) this.#values.set(name, value);
  }

  get(name: string): Value {
    const own = this.#values.get(name);
    if (own !== undefined || this.#values.has(name)) return own as Value;
    return this.#parent === null ? new Undefined(`'${name}' is undefined`) : this.#parent.get(name);
  }

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}

/** Characters: some hundred times the longest context. */
export const MAX_TEXT = 64_000_000;

/** Text written so far. */
export class Output {
  readonly parts: string[] = [];
  length = 0;

  write(text: string): void {
    this.length += text.length;
    if (this.length > MAX_TEXT) throw new EndlessError(`it writes more than ${MAX_TEXT} characters`);
    this.parts.push(text);
  }

  toString(): string {
    return this.parts.join('');
  }
}

/** The `loop` of a for block. `state` holds what `loop.changed` saw last. */
export function loopOf(
  items: readonly Value[],
  index: number,
  state: { last: Value | undefined },
): Attributes {
  const neighbour = (at: number, name: string): Value =>
    items[at] ?? new Undefined(`there is no ${name} item`);
  return new Attributes((name) => {
    switch (name) {
      case 'index':
        return index + 1;
      case 'index0':
        return index;
      case 'revindex':
        return items.length - index;
      case 'revindex0':
        return items.length - index - 1;
      case 'first':
        return index === 0;
      case 'last':
        return index === items.length - 1;
      case 'length':
        return items.length;
      case 'previtem':
        return neighbour(index - 1, 'previous');
      case 'nextitem':
        return neighbour(index + 1, 'next');
      case 'depth':
        return 1;
      case 'depth0':
        return 0;
      case 'cycle':
        return (args) => args[index % args.length] ?? null;
      case 'changed':
        return (args) => {
          const changed = state.last === undefined || !compareBy('==', state.last, args);
          state.last = args;
          return changed;
        };
      default:
        return undefined;
    }
  });
}
