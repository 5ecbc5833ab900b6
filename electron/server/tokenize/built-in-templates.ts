/**
 * Chat templates of models that ship none: their prompts were built by Python code beside the weights. By `model_type` of config.json.
 * Anything else without a template is a base model, for which template.ts has a plain one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundTemplate } from './chat-template-file.ts';

interface BuiltIn {
  /** What people call it. */
  of: string;
  text: string;
  /** Only where a text of the folder's tokenizer code or settings is there: two versions may share a `model_type`. */
  mentions?: string;
}

const MESSAGES = '{% for message in messages %}';
const END = '{% endfor %}';

const INTERNLM = `{{ bos_token }}${MESSAGES}{% if message['role'] == 'system' %}{{ '<|System|>:' + message['content'] + '\\n' }}{% elif message['role'] == 'user' %}{{ '<|User|>:' + message['content'] + '<eoh>\\n' }}{% else %}{{ '<|Bot|>:' + message['content'] + '<eoa>\\n' }}{% endif %}${END}{% if add_generation_prompt %}{{ '<|Bot|>:' }}{% endif %}`;

const CHATGLM3 = `${MESSAGES}{% if loop.first %}{{ '[gMASK]sop' }}{% endif %}{{ '<|' + message['role'] + '|>\\n ' + message['content'] }}${END}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}`;

const CHATGLM2 = `{{ '[gMASK]sop' }}{% set turn = namespace(n=0) %}${MESSAGES}{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% elif message['role'] == 'user' %}{% set turn.n = turn.n + 1 %}{{ '[Round ' + turn.n|string + ']\\n\\n问：' + message['content'] + '\\n\\n答：' }}{% else %}{{ message['content'] + (eos_token if loop.last else '\\n\\n') }}{% endif %}${END}`;

const MOSS = `${MESSAGES}{% if message['role'] == 'system' %}{{ message['content'] + '\\n' }}{% elif message['role'] == 'user' %}{{ '<|Human|>: ' + message['content'] + '<eoh>\\n' }}{% else %}{{ '<|MOSS|>: ' + message['content'] + '<eom>\\n' }}{% endif %}${END}{% if add_generation_prompt %}{{ '<|MOSS|>:' }}{% endif %}`;

/** The first that fits counts. */
const templates: Record<string, readonly BuiltIn[]> = {
  internlm: [{ of: 'InternLM', text: INTERNLM }],
  chatglm: [
    { of: 'ChatGLM3', text: CHATGLM3, mentions: '<|observation|>' },
    { of: 'ChatGLM2', text: CHATGLM2 },
  ],
  moss: [{ of: 'MOSS', text: MOSS }],
};

/** Where Python classes name their tokens. */
const CODE = ['tokenization_chatglm.py', 'tokenizer_config.json'];

/** null: a model of this type has none built in. */
export function builtInTemplate(folder: string, modelType: unknown): FoundTemplate | null {
  const known =
    typeof modelType === 'string' && Object.hasOwn(templates, modelType) ? templates[modelType] : [];
  const found = known?.find(({ mentions }) => mentions === undefined || isMentioned(folder, mentions));
  return found ? { text: found.text, place: `built in for ${found.of}` } : null;
}

const isMentioned = (folder: string, text: string) =>
  CODE.some(
    (name) => existsSync(join(folder, name)) && readFileSync(join(folder, name), 'utf8').includes(text),
  );
