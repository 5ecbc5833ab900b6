/** Which columns hold what, guessed from their names and one row: the formats people share data in. */
import type { DatasetCard } from '../../shared/api/entities.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { isMessageList } from './messages.ts';
import type { Row } from './rows.ts';

const CHAT = ['messages', 'conversations', 'conversation', 'chat', 'dialog', 'dialogue'];
/** Pairs in the order of how sure they are: [prompt, answer, context]. */
const PAIRS: readonly [prompt: string[], answer: string[], context: string[]][] = [
  [['instruction'], ['output', 'response', 'answer', 'completion'], ['input', 'context']],
  [['prompt'], ['completion', 'response', 'answer', 'output', 'chosen'], ['context']],
  [['question', 'query', 'problem'], ['answer', 'response', 'solution', 'output', 'completion'], ['context']],
  [['input', 'source', 'user'], ['output', 'target', 'assistant', 'response', 'answer', 'completion'], []],
];
const SYSTEM = ['system', 'system_prompt', 'system_message'];

/** The mapping that fits, or null when the user must choose. `sample` is any row of the dataset. */
export function guessMapping(columns: DatasetCard['columns'], sample: Row): Mapping | null {
  const find = (names: readonly string[], types: readonly string[]): string | null => {
    for (const name of names) {
      const column = columns.find((one) => one.name.toLowerCase() === name && types.includes(one.type));
      if (column) return column.name;
    }
    return null;
  };
  const chat = find(CHAT, ['list', 'text']);
  if (chat !== null && isMessageList(sample[chat])) return { kind: 'chat', messages: chat };
  for (const [prompts, answers, contexts] of PAIRS) {
    const prompt = find(prompts, ['text']);
    const answer = find(answers, ['text']);
    if (prompt === null || answer === null) continue;
    const context = find(contexts, ['text']);
    return { kind: 'prompt_answer', prompt, answer, context, system: find(SYSTEM, ['text']) };
  }
  return null;
}
