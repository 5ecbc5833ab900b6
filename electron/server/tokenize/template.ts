/** Chat templates: messages -> text, by the Jinja template of the model or our plain one. */
import { Template } from '@huggingface/jinja';
import { CollieError } from '../../shared/errors.ts';

/** One turn. `role` is system, user, assistant or tool. */
export interface Message {
  role: string;
  content: string;
}

/**
 * For models without a chat template (base models): `{prompt}\n{answer}{eos}`. A system message and every user turn
 * are a line of their own before it; several turns follow one another.
 */
export const PLAIN_TEMPLATE =
  "{% for message in messages %}{{ message['content'] }}{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}";

export class ChatTemplate {
  /** true: the model brings none, PLAIN_TEMPLATE is used. */
  readonly plain: boolean;
  readonly #template: Template;
  readonly #variables: Record<string, string>;

  /** Throws model.no_tokenizer when the template is no valid Jinja. */
  constructor(source: string | null, special: Record<string, string>) {
    this.plain = source === null;
    this.#variables = { bos_token: '', eos_token: '', ...special };
    try {
      this.#template = new Template(source ?? PLAIN_TEMPLATE);
    } catch (error) {
      throw new CollieError(
        'model.no_tokenizer',
        `The chat template of the model cannot be read: ${(error as Error).message}`,
        'Compare chat_template.jinja (or chat_template in tokenizer_config.json) with the original of the model.',
      );
    }
  }

  /** @param generationPrompt true: end with what comes before an answer, as when the model is asked to give one. */
  render(messages: readonly Message[], generationPrompt: boolean): string {
    try {
      return this.#template.render({
        ...this.#variables,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: generationPrompt,
        // What transformers passes when there is none, so that `{% if tools %}` and the like see it.
        tools: null,
        documents: null,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
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
