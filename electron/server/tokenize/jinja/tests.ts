/** What may stand behind `is`. */
import { compareBy } from './operators.ts';
import {
  contains,
  isDict,
  isFloat,
  isList,
  numberOf,
  plain,
  str,
  TemplateError,
  Undefined,
  type Value,
} from './values.ts';

export type Test = (value: Value, args: readonly Value[]) => boolean;

const comparing =
  (operator: string): Test =>
  (value, [other]) =>
    compareBy(operator, value, other ?? null);

const whole = (value: Value): number => {
  const number = numberOf(value);
  if (number === null) throw new TemplateError(`${str(value)} is no number`);
  return number;
};
const isInteger = (value: Value) => typeof value === 'number' && Number.isInteger(value);
const eq = comparing('==');
const lower = (value: Value) =>
  str(value) !== str(value).toUpperCase() && str(value) === str(value).toLowerCase();
const upper = (value: Value) =>
  str(value) !== str(value).toLowerCase() && str(value) === str(value).toUpperCase();

export const TESTS: Readonly<Record<string, Test>> = {
  boolean: (value) => typeof value === 'boolean',
  callable: (value) => typeof value === 'function',
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  true: (value) => value === true,
  false: (value) => value === false,
  string: (value) => typeof value === 'string',
  number: (value) => numberOf(value) !== null,
  integer: isInteger,
  float: isFloat,
  mapping: isDict,
  sequence: (value) =>
    typeof value === 'string' || isList(value) || isDict(value) || value instanceof Undefined,
  iterable: (value) =>
    typeof value === 'object' ? value !== null && numberOf(value) === null : typeof value === 'string',
  odd: (value) => Math.abs(whole(value) % 2) === 1,
  even: (value) => whole(value) % 2 === 0,
  divisibleby: (value, [by]) => whole(value) % whole(by ?? null) === 0,
  lower,
  upper,
  escaped: () => false,
  sameas: (value, [other]) => value === (other ?? null),
  in: (value, [list]) => contains(list ?? null, value),
  eq,
  equalto: eq,
  '==': eq,
  ne: comparing('!='),
  '!=': comparing('!='),
  lt: comparing('<'),
  lessthan: comparing('<'),
  '<': comparing('<'),
  le: comparing('<='),
  '<=': comparing('<='),
  gt: comparing('>'),
  greaterthan: comparing('>'),
  '>': comparing('>'),
  ge: comparing('>='),
  '>=': comparing('>='),
};

export function test(name: string, value: Value, args: readonly Value[]): boolean {
  const found = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
  if (found === undefined) throw new TemplateError(`No test named '${name}'.`);
  return found(plain(value), args);
}
