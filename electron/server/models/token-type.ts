/** Kinds of tokens, numbered as sentencepiece does and GGUF after it (`tokenizer.ggml.token_type`). */
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
