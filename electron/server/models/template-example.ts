/** What a chat template makes of a short conversation. Run apart (host/apart.ts): a template may never end. */
import { toErrorInfo } from '../../shared/errors.ts';
import { readTokenizerFiles } from '../tokenize/files.ts';
import { ChatTemplate, type Message } from '../tokenize/template.ts';

export interface TemplateExample {
  example: string;
  problem: string | null;
}

const CONVERSATION: readonly Message[] = [
  { role: 'user', content: 'What is a collie?' },
  { role: 'assistant', content: 'A dog that herds sheep.' },
  { role: 'user', content: 'Is it fast?' },
];

/** `text`: null for a base model's plain one. Throws model.no_tokenizer for what is no template. */
export async function exampleOf(folder: string, text: string | null): Promise<TemplateExample> {
  const { special } = await readTokenizerFiles(folder);
  const template = new ChatTemplate(text, special, folder);
  try {
    return { example: template.render({ messages: CONVERSATION }, true), problem: null };
  } catch (thrown) {
    return { example: '', problem: toErrorInfo(thrown).message };
  }
}
