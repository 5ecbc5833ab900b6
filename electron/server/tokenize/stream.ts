/** Text of tokens that arrive one by one, without ever showing half a character. */
import type { ChatTokenizer } from './chat-tokenizer.ts';

/**
 * Decodes a growing list of ids. A token may hold only some bytes of a character: its text is held back until the
 * character is whole. Special tokens are left out.
 */
export class StreamDecoder {
  readonly #tokenizer: ChatTokenizer;
  #ids: number[] = [];
  /** Ids before `#from` are only there as context for the decoder; text up to `#shown` has been given out. */
  #from = 0;
  #shown = 0;

  constructor(tokenizer: ChatTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that can be shown because of this token; often empty within a character. */
  async push(id: number): Promise<string> {
    this.#ids.push(id);
    const text = await this.#pending();
    if (text === null || text.endsWith('\uFFFD')) return '';
    this.#advance();
    return text;
  }

  /** What is left when no more tokens come, with U+FFFD for bytes that became no character. */
  async end(): Promise<string> {
    const text = await this.#pending();
    this.#advance();
    return text ?? '';
  }

  #advance(): void {
    this.#from = this.#shown;
    this.#shown = this.#ids.length;
  }

  async #pending(): Promise<string | null> {
    const [before, after] = await Promise.all([
      this.#tokenizer.decode(this.#ids.slice(this.#from, this.#shown)),
      this.#tokenizer.decode(this.#ids.slice(this.#from)),
    ]);
    return after.length > before.length ? after.slice(before.length) : null;
  }
}
