/**
 * How a byte-level BPE vocabulary splits text before merging. A GGUF file names the way (`tokenizer.ggml.pre`); here are the ones
 * that a Hugging Face tokenizer.json can express exactly. Others are refused: a wrong split trains on wrong tokens without a word.
 */

export interface PreTokenizer {
  /** `pre_tokenizer` of tokenizer.json. */
  json: object;
  /** Words that are tokens themselves are taken whole, merges or not. */
  ignoreMerges: boolean;
  /** Whether a file that does not say so starts every text with the begin-of-text token. */
  addBos: boolean;
}

const byteLevel = (useRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});
const split = (regex: string) => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
});
const sequence = (...parts: object[]) => ({ type: 'Sequence', pretokenizers: parts });
const splits = (...regexes: string[]) => sequence(...regexes.map(split), byteLevel(false));

const gpt2Regex = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)`;
const contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const word = '[^\\r\\n\\p{L}\\p{N}]?';
const spaces = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const llama3Regex = `${contractions}|${word}\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const qwen2Regex = `${contractions}|${word}\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${spaces}`;
const tekkenRegex = `${word}${upper}*${lower}+|${word}${upper}+${lower}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;

const gpt4oRegex = `${word}${upper}*${lower}+${contractions}?|${word}${upper}+${lower}*${contractions}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${spaces}`;

const plain = (json: object): PreTokenizer => ({ json, ignoreMerges: false, addBos: false });

const gpt2 = plain(byteLevel(true));
/** Every digit is a token of its own, then GPT-2's split. */
const digits = plain(sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)));
const llama3: PreTokenizer = { json: splits(llama3Regex), ignoreMerges: true, addBos: true };
const llama3Merging = plain(splits(llama3Regex));
const qwen2 = plain(splits(qwen2Regex));
/** Phi-4-mini. */
const gpt4o = plain(splits(gpt4oRegex));
const tekken: PreTokenizer = { json: splits(tekkenRegex), ignoreMerges: true, addBos: false };
/** Punctuation in runs, GPT-2's split, then digits by threes. */
const falcon = plain(
  sequence(
    { type: 'Punctuation', behavior: 'Contiguous' },
    byteLevel(true),
    { type: 'Digits', individual_digits: false },
    split('[0-9][0-9][0-9]'),
  ),
);
const qwen35Regex = `${contractions}|${word}[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${spaces}`;
const qwen35 = plain(splits(qwen35Regex));
/** What llama.cpp does with vocabularies it has no name for. */
const fallback = plain(splits('[\\p{P}\\$\\+<=>\\^~\\|]+', gpt2Regex, '\\p{N}+', '[0-9][0-9][0-9]'));

const known: Record<string, PreTokenizer> = {
  default: fallback,
  'gpt-2': gpt2,
  'phi-2': gpt2,
  mpt: gpt2,
  olmo: gpt2,
  jais: gpt2,
  exaone4: gpt2,
  smollm: digits,
  starcoder: digits,
  refact: digits,
  'command-r': digits,
  codeshell: digits,
  exaone: digits,
  'minerva-7b': digits,
  llama3,
  'llama-v3': llama3,
  'llama-bpe': llama3,
  falcon3: llama3,
  smollm3: llama3,
  lfm2: llama3,
  pixtral: llama3,
  dbrx: llama3Merging,
  'smaug-bpe': llama3Merging,
  'chatglm-bpe': llama3Merging,
  glm4: llama3Merging,
  'gpt-4o': gpt4o,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  stablelm2: qwen2,
  hunyuan: qwen2,
  'solar-open': qwen2,
  qwen35,
  falcon,
  trillion: gpt2,
  tekken,
};

export const knownPreTokenizers = Object.keys(known);

/** null: not one of `knownPreTokenizers`. */
export function preTokenizerFor(name: string): PreTokenizer | null {
  return Object.hasOwn(known, name) ? (known[name] as PreTokenizer) : null;
}
