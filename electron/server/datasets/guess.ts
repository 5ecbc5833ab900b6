/** Which columns hold what, guessed from their names and a sample of values: the formats people share data in. */
import type { DatasetCard } from '../../shared/api/entities.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { isMessageList } from './chat-messages.ts';
import type { Row } from './rows.ts';

const CHAT = ['messages', 'conversations', 'conversation', 'chat', 'dialog', 'dialogue', 'chosen'];
const TEXT = ['text'];
/** Written as text where they are answers. */
const SHORT = ['text', 'number', 'boolean', 'mixed'];
/** Pairs in the order of how sure they are: [prompt, answer, context]. */
const PAIRS: readonly [prompt: string[], answer: string[], context: string[]][] = [
  [['instruction'], ['output', 'response', 'answer', 'completion'], ['input', 'context']],
  [['prompt'], ['completion', 'response', 'answer', 'output', 'chosen'], ['context']],
  [['question', 'query', 'problem'], ['answer', 'response', 'solution', 'output', 'completion'], ['context']],
  [['input', 'source', 'user'], ['output', 'target', 'assistant', 'response', 'answer', 'completion'], []],
];
const SYSTEM = ['system', 'system_prompt', 'system_message'];
const TOOLS = ['tools', 'functions'];
const HISTORY = ['history'];

/** The mapping that fits, or null when the user must choose. `sample` holds a value of every column that has any. */
export function guessMapping(columns: DatasetCard['columns'], sample: Row): Mapping | null {
  const find = (names: readonly string[], fits: (type: string, value: unknown) => boolean): string | null => {
    for (const name of names) {
      const column = columns.find(
        (one) => one.name.toLowerCase() === name && fits(one.type, sample[one.name]),
      );
      if (column) return column.name;
    }
    return null;
  };
  const typed = (types: readonly string[]) => (type: string) => types.includes(type);
  const messages = (_type: string, value: unknown) => isMessageList(value);
  const spoken = (types: readonly string[]) => (type: string, value: unknown) =>
    types.includes(type) || isMessageList(value);
  const system = find(SYSTEM, typed(TEXT));
  const tools = find(TOOLS, typed(['list', 'text', 'mixed']));

  const chat = find(CHAT, messages);
  const asked = find(['prompt', 'instruction'], spoken(TEXT)) !== null;
  // A preferred answer is a conversation of its own where no column holds the prompt.
  if (chat !== null && !(chat.toLowerCase() === 'chosen' && asked))
    return { kind: 'chat', messages: chat, system, tools };
  for (const [prompts, answers, contexts] of PAIRS) {
    const prompt = find(prompts, spoken(TEXT));
    const answer = find(answers, spoken(SHORT));
    if (prompt === null || answer === null) continue;
    const context = find(contexts, typed(TEXT));
    const history = find(HISTORY, typed(['list', 'text', 'mixed']));
    return { kind: 'prompt_answer', prompt, answer, context, system, history, tools };
  }
  return null;
}
