/** Random numbers that are the same on every machine. */
import { uniform } from '../../electron/shared/spec/uniform.ts';

export { uniform };

/** Values of N(0, std). */
export function gaussian(next: () => number, size: number, std: number): Float32Array {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++)
    values[i] = std * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return values;
}
