/** Arguments of commands, as commander reads them. */
import { InvalidArgumentError } from 'commander';

/** Throws unless the text is a whole number in the range. */
export function wholeNumber(from: number, to: number) {
  return (text: string): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`Give a whole number from ${from} to ${to}.`);
  };
}

/** Of an option that may be given several times. */
export const collect = (value: string, all: string[]): string[] => [...all, value];
