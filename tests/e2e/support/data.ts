/** Rows that a tiny model learns in seconds: sums with answers of a few tokens. */

/** JSONL of `count` questions; `shift` moves where they begin. */
export function sumRows(count: number, shift = 0): string {
  const row = (i: number) => {
    const [a, b] = [Math.floor((i + shift) / 10), (i + shift) % 10];
    return JSON.stringify({ prompt: `What is ${a} plus ${b}?`, answer: `It is ${a + b}.` });
  };
  return `${Array.from({ length: count }, (_, i) => row(i)).join('\n')}\n`;
}
