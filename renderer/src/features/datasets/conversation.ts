/** A row as the conversation its mapping makes of it, to show before anything is tokenized. Pure. */
import { asMessages, cellText } from './CellValue.tsx';

export interface Turn {
  readonly role: string;
  readonly text: string;
  /** The loss counts it. */
  readonly trained: boolean;
}

const isAssistant = (role: string) => /^(assistant|gpt|model|bot)$/i.test(role);

/** Empty when the mapping names no column of the row yet. */
export function conversation(
  row: Readonly<Record<string, unknown>>,
  mapping: Readonly<Record<string, unknown>>,
): Turn[] {
  const column = (key: string): string => {
    const name = mapping[key];
    return typeof name === 'string' ? cellText(row[name]) : '';
  };
  if (mapping.kind === 'chat') {
    const messages = typeof mapping.messages === 'string' ? asMessages(row[mapping.messages]) : null;
    return (messages ?? []).map((m) => ({ role: m.role, text: m.content, trained: isAssistant(m.role) }));
  }
  const prompt = [column('prompt'), column('context')].filter(Boolean).join('\n\n');
  const turns = [
    { role: 'system', text: column('system'), trained: false },
    { role: 'user', text: prompt, trained: false },
    { role: 'assistant', text: column('answer'), trained: true },
  ];
  return turns.filter((turn) => turn.text !== '');
}
