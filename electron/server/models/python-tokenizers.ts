/**
 * What Python classes of tokenizers have in their code and not in their files: how a byte-level vocabulary splits text, tokens behind the
 * vocabulary, tokens that begin a text. By `tokenizer_class`, without "Fast"; models that name none go by their `model_type`.
 */
export interface PythonTokenizer {
  /** A name of pre-tokenizers.ts, for byte-level vocabularies. */
  split?: string;
  /** Text is put into this Unicode form first. */
  form?: 'NFC';
  /** Take the ids that follow the vocabulary, in this order, where no file lists them. */
  appended?: readonly string[];
  /** Stand before every text. Left out: the begin token, where `add_bos_token` says so. */
  begin?: readonly string[];
  /** Without `add_bos_token` in the files. Left out: true for sentencepiece, false for byte-level vocabularies. */
  addBos?: boolean;
  /** Where no file names them. */
  named?: Readonly<Record<string, string>>;
}

const END = '<|endoftext|>';
const gpt2: PythonTokenizer = { split: 'gpt-2', named: { bos_token: END, eos_token: END, unk_token: END } };
const chatglmMarks = ['[MASK]', '[gMASK]', '[sMASK]', 'sop', 'eop'];
const chatglmRoles = ['<|system|>', '<|user|>', '<|assistant|>', '<|observation|>'];
const extras = Array.from({ length: 205 }, (_, k) => `<|extra_${k}|>`);

const classes: Record<string, PythonTokenizer> = {
  GPT2Tokenizer: gpt2,
  CodeGenTokenizer: gpt2,
  MossTokenizer: { ...gpt2, named: { bos_token: END, eos_token: '<eom>', unk_token: END } },
  Qwen2Tokenizer: { split: 'qwen2', form: 'NFC', named: { eos_token: END, pad_token: END } },
  QWenTokenizer: {
    split: 'qwen2',
    form: 'NFC',
    appended: [END, '<|im_start|>', '<|im_end|>', ...extras],
    named: { eos_token: END, pad_token: END },
  },
  ChatGLM4Tokenizer: {
    split: 'chatglm-bpe',
    begin: ['[gMASK]', '<sop>'],
    named: { eos_token: END, pad_token: END },
  },
  ChatGLMTokenizer: {
    // Files of the second version have a row for the roles of the third as well; nothing writes them there.
    appended: [...chatglmMarks, ...chatglmRoles],
    begin: ['[gMASK]', 'sop'],
    named: { eos_token: '</s>', unk_token: '<unk>', pad_token: '<unk>' },
  },
};

const classOfModel: Record<string, string> = {
  gpt2: 'GPT2Tokenizer',
  gptj: 'GPT2Tokenizer',
  codegen: 'CodeGenTokenizer',
  moss: 'MossTokenizer',
  qwen: 'QWenTokenizer',
  qwen2: 'Qwen2Tokenizer',
  chatglm: 'ChatGLMTokenizer',
};

export const knownTokenizerClasses = Object.keys(classes);

/** null: neither is known. Whether that matters is up to the files. */
export function pythonTokenizer(tokenizerClass: unknown, modelType: unknown): PythonTokenizer | null {
  const named = typeof tokenizerClass === 'string' ? tokenizerClass.replace(/Fast$/, '') : '';
  const byModel =
    typeof modelType === 'string' && Object.hasOwn(classOfModel, modelType) ? classOfModel[modelType] : '';
  const name = named || byModel || '';
  return Object.hasOwn(classes, name) ? (classes[name] as PythonTokenizer) : null;
}
