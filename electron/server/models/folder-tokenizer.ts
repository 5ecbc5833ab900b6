/**
 * A tokenizer.json for a model folder that has none, out of what it brings: a sentencepiece model, `vocab.json` with `merges.txt`, or ranks of
 * tiktoken. Run apart (host/apart.ts): a file may claim a vocabulary of any size.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { type Json, type Listed, namedTokens, placeAdded } from './added-tokens.ts';
import { parseMerges } from './merges-files.ts';
import { preTokenizerFor } from './pre-tokenizers.ts';
import { knownTokenizerClasses, type PythonTokenizer, pythonTokenizer } from './python-tokenizers.ts';
import { looksLikeSentencepiece, parseSentencepiece } from './sentencepiece-model.ts';
import { parseTiktoken } from './tiktoken.ts';
import { TokenType } from './token-type.ts';
import {
  type AddedToken,
  addedTokens,
  bpe,
  byteLevelDecoder,
  type Parts,
  sentencepieceParts,
  TwiceError,
  tokenizerJson,
} from './tokenizer-json.ts';

/** What a folder without tokenizer.json has instead. */
export interface TokenizerSource {
  kind: 'model' | 'merges' | 'tiktoken';
  /** Of the folder. */
  files: string[];
}

/** null: nothing that a tokenizer could be made from. */
export function tokenizerSource(folder: string): TokenizerSource | null {
  const names = readdirSync(folder).sort();
  const model =
    names.find((name) => name === 'tokenizer.model') ??
    names.find((name) => /^(spiece|sentencepiece.*)\.model$/.test(name));
  if (model !== undefined) return { kind: 'model', files: [model] };
  if (names.includes('vocab.json') && names.includes('merges.txt'))
    return { kind: 'merges', files: ['vocab.json', 'merges.txt'] };
  const ranks = names.find((name) => name.endsWith('.tiktoken'));
  return ranks === undefined ? null : { kind: 'tiktoken', files: [ranks] };
}

export interface MadeTokenizer {
  /** Texts by name. */
  files: Record<string, string>;
  /** One sentence for the card. */
  note: string;
}

const MOST_BYTES = 64 * 2 ** 20;

/** Throws model.no_tokenizer: what is wrong with the files, or what they would need that is not known here. */
export function makeTokenizer(folder: string): MadeTokenizer {
  const source = tokenizerSource(folder);
  if (source === null)
    throw new CollieError(
      'model.no_tokenizer',
      `${folder} has no tokenizer.json, and no tokenizer.model, vocab.json with merges.txt, or *.tiktoken to make one from.`,
      'Copy the tokenizer files of this model into the folder.',
      { path: folder },
    );
  const listed: Listed = {
    tokenizerConfig: readObject(folder, 'tokenizer_config.json'),
    specialTokensMap: readObject(folder, 'special_tokens_map.json'),
    addedTokens: readObject(folder, 'added_tokens.json'),
  };
  const python = pythonTokenizer(
    listed.tokenizerConfig.tokenizer_class,
    readObject(folder, 'config.json').model_type,
  );
  try {
    return assemble(read(folder, source, listed, python), listed, python);
  } catch (thrown) {
    if (!(thrown instanceof TwiceError)) throw thrown;
    throw new CollieError(
      'model.no_tokenizer',
      `${folder}: ${thrown.message} in its vocabulary.`,
      'Download the tokenizer files again.',
      { path: folder },
    );
  }
}

interface Vocabulary {
  what: string;
  tokens: (string | undefined)[];
  own: AddedToken[];
  /** Named by the vocabulary itself. */
  named: Record<string, string>;
  addBos: boolean;
  /** Called when all tokens have their place. */
  parts: (tokens: (string | undefined)[]) => Parts;
}

function read(
  folder: string,
  { kind, files }: TokenizerSource,
  listed: Listed,
  python: PythonTokenizer | null,
): Vocabulary {
  const [first, second] = files.map((name) => readBytes(folder, name)) as [Buffer, Buffer?];
  const path = join(folder, files[0] as string);
  if (kind === 'model' && looksLikeSentencepiece(first)) return fromSentencepiece(first, path, listed);
  const split = splitOf(folder, files, listed, python);
  if (kind === 'merges') {
    const { tokens, merges } = parseMerges(
      first.toString('utf8'),
      (second as Buffer).toString('utf8'),
      folder,
    );
    return fromMerges('vocab.json and merges.txt', tokens, merges, split, false, listed);
  }
  const { tokens, merges } = parseTiktoken(first.toString('latin1'), path);
  return fromMerges(`${files[0]} (ranks of tiktoken)`, tokens, merges, split, true, listed);
}

function splitOf(
  folder: string,
  files: readonly string[],
  { tokenizerConfig }: Listed,
  python: PythonTokenizer | null,
) {
  const pre = python?.split === undefined ? null : preTokenizerFor(python.split);
  if (python && pre) return { pre: pre.json, form: python.form };
  const named = tokenizerConfig.tokenizer_class;
  throw new CollieError(
    'model.no_tokenizer',
    `${folder}: how this tokenizer splits text is in the code of ${typeof named === 'string' ? named : 'a class that tokenizer_config.json does not name'}, not in ${files.join(' and ')}; that class is not known here.`,
    `Make a tokenizer.json with transformers (AutoTokenizer ... save_pretrained) and copy it into the folder. Known: ${knownTokenizerClasses.join(', ')}.`,
    { path: folder },
  );
}

function fromSentencepiece(bytes: Buffer, path: string, { tokenizerConfig }: Listed): Vocabulary {
  const model = parseSentencepiece(bytes, path);
  const text = (id: number | null) => (id === null ? undefined : model.tokens[id]);
  const named = {
    bos_token: text(model.bosId),
    eos_token: text(model.eosId),
    unk_token: text(model.unknownId),
    pad_token: text(model.padId),
  };
  const prefix = model.dummyPrefix && tokenizerConfig.add_prefix_space !== false;
  return {
    what: `${path.split(/[\\/]/).at(-1)} (sentencepiece, ${model.kind === 'bpe' ? 'BPE' : 'unigram'}, ${model.tokens.length} pieces)`,
    tokens: [...model.tokens],
    own: addedTokens(model.tokens, model.types),
    named: Object.fromEntries(
      Object.entries(named).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
    addBos: true,
    parts: (tokens) =>
      sentencepieceParts({
        ...model,
        tokens,
        // A piece whose place another token took makes no text.
        types: model.types.map((type, id) => (tokens[id] === model.tokens[id] ? type : TokenType.control)),
        prefix: !prefix ? 'never' : tokenizerConfig.legacy === false ? 'first' : 'always',
      }),
  };
}

function fromMerges(
  what: string,
  tokens: (string | undefined)[],
  merges: string[],
  { pre, form }: { pre: object; form: string | undefined },
  wholeWords: boolean,
  { tokenizerConfig }: Listed,
): Vocabulary {
  const spaced = tokenizerConfig.add_prefix_space === true;
  return {
    what,
    tokens,
    own: [],
    named: {},
    addBos: false,
    parts: (all) => ({
      model: { ...bpe(all, merges), ignore_merges: wholeWords },
      normalizer: form === undefined ? null : { type: form },
      preTokenizer: spaced ? withPrefixSpace(pre) : pre,
      decoder: byteLevelDecoder,
    }),
  };
}

/** `add_prefix_space` of the last step, which is the one that spells bytes. */
function withPrefixSpace(pre: object): object {
  const { pretokenizers } = pre as { pretokenizers?: object[] };
  if (pretokenizers === undefined) return { ...pre, add_prefix_space: true };
  return {
    ...pre,
    pretokenizers: pretokenizers.map((one) => ('add_prefix_space' in one ? withPrefixSpace(one) : one)),
  };
}

function assemble(vocabulary: Vocabulary, listed: Listed, python: PythonTokenizer | null): MadeTokenizer {
  const { tokens } = vocabulary;
  const named = namedTokens(listed, { ...vocabulary.named, ...python?.named });
  const added = placeAdded(tokens, vocabulary.own, listed, named, python?.appended ?? []);
  const { tokenizerConfig } = listed;
  const addBos = flag(tokenizerConfig.add_bos_token) ?? python?.addBos ?? vocabulary.addBos;
  const addEos = flag(tokenizerConfig.add_eos_token) ?? false;
  const ids = (texts: readonly (string | undefined)[]) =>
    texts.flatMap((text) => (text === undefined ? [] : tokens.indexOf(text))).filter((id) => id >= 0);
  const around = {
    before: ids(python?.begin ?? (addBos ? [named.bos_token] : [])),
    after: ids(addEos ? [named.eos_token] : []),
  };
  const json = tokenizerJson(vocabulary.parts(tokens), added, around, tokens);
  const config = {
    ...Object.fromEntries(Object.entries(tokenizerConfig).filter(([key]) => !OF_THE_CLASS.includes(key))),
    ...named,
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [String(id), token])),
    // The general class takes tokenizer.json as it is; those of model families rebuild it after their own taste.
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
  return {
    files: {
      'tokenizer.json': `${JSON.stringify(json)}\n`,
      'tokenizer_config.json': `${JSON.stringify(config, null, 2)}\n`,
    },
    note: `tokenizer.json was made from ${vocabulary.what}.`,
  };
}

/** Keys that only mean something to the class they were written for. */
const OF_THE_CLASS = [
  'auto_map',
  'legacy',
  'sp_model_kwargs',
  'use_fast',
  'vocab_file',
  'tokenizer_file',
  'do_lower_case',
  'remove_space',
  'use_default_system_prompt',
  'name_or_path',
  'special_tokens_map_file',
];

const flag = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);

function readBytes(folder: string, name: string): Buffer {
  const path = join(folder, name);
  const { size } = statSync(path);
  if (size > MOST_BYTES)
    throw new CollieError(
      'model.no_tokenizer',
      `${path} has ${size} bytes, more than any tokenizer of ${MOST_BYTES / 2 ** 20} MB.`,
      'Check that it is the tokenizer of this model.',
      { path },
    );
  return readFileSync(path);
}

function readObject(folder: string, name: string): Json {
  const path = join(folder, name);
  if (!existsSync(path)) return {};
  try {
    const value: unknown = JSON.parse(readBytes(folder, name).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (thrown) {
    if (thrown instanceof CollieError) throw thrown;
  }
  throw new CollieError(
    'model.no_tokenizer',
    `${path} holds no JSON object.`,
    'Download or copy this file again.',
    { path },
  );
}
