/** Rows as tokens of a made-up tokenizer. */

/** Words as tokens, in ChatML; what the assistant says and its end of turn are trained. */
export function tokenize(row: Record<string, unknown>, seqLen: number) {
  const prompt = String(row.prompt ?? row.text ?? '…');
  const answer = String(row.answer ?? row.text ?? '…');
  const pieces: [string, boolean][] = [
    ['<|im_start|>', false],
    ['user', false],
    ['\n', false],
    ...words(prompt, false),
    ['<|im_end|>', false],
    ['\n', false],
    ['<|im_start|>', false],
    ['assistant', false],
    ['\n', false],
    ...words(answer, true),
    ['<|im_end|>', true],
    ['\n', false],
  ];
  const kept = pieces.slice(0, seqLen);
  const truncated = pieces.length - kept.length;
  return {
    ids: kept.map(([text]) => [...text].reduce((sum, c) => (sum * 31 + (c.codePointAt(0) ?? 0)) % 49_152, 7)),
    texts: kept.map(([text]) => text),
    trained: kept.map(([, trained]) => trained),
    truncated,
    rendered: pieces.map(([text]) => text).join(''),
    warnings: truncated > 0 ? ['The end-of-turn token falls off at the sequence length.'] : [],
  };
}

const words = (text: string, trained: boolean) =>
  (text.match(/\s?[^\s]+|\n/g) ?? []).map((word): [string, boolean] => [word, trained]);
