/** Chat templates: messages -> text, by the Jinja template of the model or our plain one. */
import { CollieError } from '../../shared/errors.ts';
import { JinjaTemplate, type Span } from './jinja/template.ts';
import { EndlessError } from './jinja/values.ts';

/** One turn. `role` is system, user, assistant or tool. */
export interface Message {
  role: string;
  /** null: none, as beside tool calls. */
  content: string | null;
  /** What else the template may read: `tool_calls`, `reasoning_content`, `name`, ... */
  fields?: Readonly<Record<string, unknown>>;
  /** What an answer counts in the loss (`weight`), above 0; left out: 1. */
  weight?: number;
  /** false: an answer that is context only (`weight: 0`). Left out: it is trained. */
  trained?: boolean;
}

/** A conversation, with the tools that the model may call: JSON schemas as transformers takes them. */
export interface Chat {
  messages: readonly Message[];
  tools?: readonly unknown[] | null;
}

/** A conversation; messages alone are one without tools. */
export const chatOf = (given: Chat | readonly Message[]): Chat =>
  'messages' in given ? given : { messages: given };

/**
 * For models without a chat template (base models): `{prompt}\n{answer}{eos}`. A system message and every user turn
 * are a line of their own before it; several turns follow one another.
 */
export const PLAIN_TEMPLATE =
  "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}";

/** Names for what was thought before an answer; the first is the one that templates read, as in transformers. */
const REASONING = ['reasoning_content', 'thinking', 'reasoning'] as const;

/** A message as a template sees it: without what is null, and with its reasoning under the usual names. */
function visible({ role, content, fields = {} }: Message): Record<string, unknown> {
  const message = Object.fromEntries(
    Object.entries({ role, content, ...fields }).filter(([, value]) => value !== null && value !== undefined),
  );
  const reasoning = REASONING.map((name) => message[name]).find((value) => value !== undefined);
  if (reasoning === undefined) return message;
  return { thinking: reasoning, ...message, reasoning_content: reasoning };
}

/** A template can name things as long as itself. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.length > MOST_REASON ? `${reason.slice(0, MOST_REASON)}…` : reason;
}
const MOST_REASON = 500;

export class ChatTemplate {
  /** true: the model brings none, PLAIN_TEMPLATE is used. */
  readonly plain: boolean;
  readonly #source: string;
  readonly #template: JinjaTemplate;
  readonly #variables: Record<string, string>;
  readonly #model: string;

  /** @param model whose template it is, for errors. Throws model.no_tokenizer when the template is no valid Jinja. */
  constructor(source: string | null, special: Record<string, string>, model = 'the model') {
    this.#model = model;
    this.plain = source === null;
    this.#source = source ?? PLAIN_TEMPLATE;
    this.#variables = { bos_token: '', eos_token: '', ...special };
    try {
      this.#template = new JinjaTemplate(this.#source);
    } catch (error) {
      throw new CollieError(
        'model.no_tokenizer',
        `The chat template of ${model} cannot be read: ${reasonOf(error)}`,
        'Compare chat_template.jinja (or chat_template in tokenizer_config.json) with the original of the model.',
      );
    }
  }

  /** Whether the template speaks of a field of messages (`tool_calls`) or of `tools`. */
  reads(name: string): boolean {
    const known = (REASONING as readonly string[]).includes(name) ? REASONING : [name];
    return known.some((one) => new RegExp(`\\b${one}\\b`).test(this.#source));
  }

  /** @param generationPrompt true: end with what comes before an answer, as when the model is asked to give one. */
  render(chat: Chat, generationPrompt: boolean): string {
    return this.#guarded(chat, () => this.#template.render(this.#values(chat, generationPrompt)));
  }

  /** The finished conversation, and where the text of each message is; null where that cannot be told. */
  renderTraced(chat: Chat): { text: string; spans: (Span | null)[] } {
    return this.#guarded(chat, () => this.#template.renderTraced(this.#values(chat, false)));
  }

  #values({ messages, tools }: Chat, generationPrompt: boolean): Record<string, unknown> {
    return {
      ...this.#variables,
      messages: messages.map(visible),
      add_generation_prompt: generationPrompt,
      // What transformers passes when there is none, so that `{% if tools %}` and the like see it.
      tools: tools ?? null,
      documents: null,
    };
  }

  #guarded<T>({ messages }: Chat, render: () => T): T {
    try {
      return render();
    } catch (error) {
      const reason = reasonOf(error);
      // A RangeError: a macro that calls itself without end.
      if (error instanceof EndlessError || error instanceof RangeError)
        throw new CollieError(
          'model.unsupported_feature',
          `The chat template of ${this.#model} cannot be used: ${reason}`,
          'Compare it with the original of the model; the file may not be what it says it is.',
        );
      const roles = messages.map(({ role }) => role).join(', ');
      throw new CollieError(
        'dataset.bad_row',
        `The model's chat template refuses this conversation (${roles}): ${reason}`,
        'Change the row, or choose a model whose template allows it. Many templates want user and assistant to alternate, and some know no system message.',
        { reason, roles },
      );
    }
  }
}
