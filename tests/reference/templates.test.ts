/** The chat templates that PyPI packages ship, rendered by us and by transformers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ChatTemplate, type Message } from '../../electron/server/tokenize/template.ts';
import { referencePython } from '../support/python.ts';

const { python, skip } = await referencePython();
const folder = mkdtempSync(join(tmpdir(), 'collie-templates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Rendered {
  name: string;
  source: string;
  case: {
    messages: Record<string, unknown>[];
    tools?: unknown[];
    add_generation_prompt?: boolean;
  };
  text?: string;
}

const message = ({ role, content, ...fields }: Record<string, unknown>): Message => ({
  role: role as string,
  content: content as string,
  fields,
});

describe.skipIf(skip)('chat templates of PyPI packages', () => {
  it('give the text that transformers gives', { timeout: 600_000 }, () => {
    const script = join(import.meta.dirname, 'templates.py');
    const lines = execFileSync(python ?? '', [script, folder], { encoding: 'utf8', maxBuffer: 2 ** 30 });
    let compared = 0;
    for (const line of lines.split('\n').filter((one) => one !== '')) {
      const { name, source, case: given, text } = JSON.parse(line) as Rendered;
      if (text === undefined) continue;
      const special = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>' };
      const chat = { messages: given.messages.map(message), tools: given.tools ?? null };
      const ours = new ChatTemplate(source, special).render(chat, given.add_generation_prompt ?? false);
      expect(ours, name).toBe(text);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(300);
  });
});
