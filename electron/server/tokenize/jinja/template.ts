/**
 * Jinja2 as transformers runs it (`render_jinja_template`): trimmed blocks, loop controls, an immutable sandbox, `tojson` without
 * HTML escapes. Written for it because no JavaScript engine has Python's meaning of values: their text, truth, methods and
 * operators decide what a chat template writes. tests/fixtures/templates holds what transformers writes.
 */
import type { Statement } from './ast.ts';
import { Evaluator, type Trace } from './evaluate.ts';
import { Output, Scope } from './scope.ts';
import { parse } from './statements.ts';
import { strftime } from './strftime.ts';
import {
  Attributes,
  type Callable,
  fromJson,
  isDict,
  iterate,
  Namespace,
  numberOf,
  str,
  TemplateError,
  typeName,
  type Value,
} from './values.ts';

/**
 * Steps for a chat of so many messages: templates that look through all messages for each of them stay far below, one that loops for ever
 * (its file is anybody's) ends in a moment.
 */
const mostSteps = (messages: number) => 40_000 + 3_000 * messages + 10 * messages ** 2;

/** Longest range, as in jinja2's sandbox. */
const MAX_RANGE = 100_000;

const range: Callable = (args) => {
  const numbers = args.map((one) => {
    const number = numberOf(one);
    if (number === null)
      throw new TemplateError(`'${typeName(one)}' object cannot be interpreted as an integer`);
    return number;
  });
  const [start = 0, stop = 0, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (step === 0) throw new TemplateError('range() arg 3 must not be zero');
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > MAX_RANGE)
    throw new TemplateError(`Range too big. The sandbox blocks ranges larger than ${MAX_RANGE}.`);
  return Array.from({ length }, (_, k) => start + k * step);
};

function pairs(args: readonly Value[], named: ReadonlyMap<string, Value>): [Value, Value][] {
  const [first] = args;
  const given: [Value, Value][] =
    first === undefined
      ? []
      : isDict(first)
        ? [...first]
        : iterate(first).map((pair) => iterate(pair) as [Value, Value]);
  return [...given, ...named];
}

const namespace: Callable = (args, named) => {
  const space = new Namespace();
  for (const [name, value] of pairs(args, named)) space.attributes.set(str(name), value);
  return space;
};

const GLOBALS: readonly (readonly [string, Value])[] = [
  // The blocks of the template: it has none.
  ['self', new Attributes(() => undefined)],
  ['range', range],
  ['namespace', namespace],
  ['dict', (args, named) => new Map(pairs(args, named))],
  [
    'raise_exception',
    ([message]) => {
      throw new TemplateError(str(message ?? null));
    },
  ],
  ['strftime_now', ([format]) => strftime(new Date(), str(format ?? ''))],
  [
    'joiner',
    ([separator]) => {
      let used = false;
      return () => {
        const text = used ? str(separator ?? ', ') : '';
        used = true;
        return text;
      };
    },
  ],
];

/** Text of one message within a rendered text. */
export interface Span {
  start: number;
  end: number;
}

export class JinjaTemplate {
  readonly #body: Statement[];

  /** Throws TemplateSyntaxError with the line. */
  constructor(source: string) {
    this.#body = parse(source);
  }

  /** Throws TemplateError with what Python's jinja2 would say. Everything in `variables` is plain JSON. */
  render(variables: Readonly<Record<string, unknown>>): string {
    return this.#run(variables, null).text;
  }

  /**
   * As `render`, and where the text of each of `variables.messages` is: what the template's own loop over them writes. null for
   * a message that no such loop walks over, or that several do.
   */
  renderTraced(variables: Readonly<Record<string, unknown>>): { text: string; spans: (Span | null)[] } {
    const messages = fromJson(variables.messages) as Value[];
    const places = new Map<Value, number>(messages.map((message, k) => [message, k]));
    const spans: (Span | null)[] = messages.map(() => null);
    const twice = new Set<number>();
    const { text } = this.#run({ ...variables, messages }, (item, start, end) => {
      const place = places.get(item);
      if (place === undefined || start === end) return;
      if (spans[place] !== null) twice.add(place);
      spans[place] = { start, end };
    });
    for (const place of twice) spans[place] = null;
    return { text, spans };
  }

  #run(variables: Readonly<Record<string, unknown>>, trace: Trace | null): { text: string } {
    const out = new Output();
    const count = Array.isArray(variables.messages) ? variables.messages.length : 0;
    const values = Object.entries(variables).map(
      ([name, value]) =>
        [name, name === 'messages' && trace !== null ? (value as Value) : fromJson(value)] as const,
    );
    new Evaluator(out, trace, mostSteps(count)).run(
      this.#body,
      new Scope(new Scope(null, GLOBALS), values),
      out,
    );
    return { text: out.toString() };
  }
}
