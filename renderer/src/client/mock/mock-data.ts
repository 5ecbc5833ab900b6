/** Fixtures of the mock host: a small library as it looks on a workstation. */
import type {
  DatasetCard,
  Device,
  ModelCard,
  Preset,
  TokenStats,
} from '../../../../electron/shared/api/entities.ts';

const GiB = 1024 ** 3;

export const mockModels: ModelCard[] = [
  {
    id: 'smollm2-135m-instruct',
    name: 'SmolLM2-135M-Instruct',
    path: '/home/kim/.collie/models/smollm2-135m-instruct',
    origin: 'gguf',
    source: '/home/kim/Downloads/SmolLM2-135M-Instruct.Q4_1.gguf',
    family: 'Llama',
    architecture: 'LlamaForCausalLM',
    parameters: 134_515_008,
    dtype: 'bf16',
    layers: 30,
    hiddenSize: 576,
    heads: 9,
    kvHeads: 3,
    intermediateSize: 1536,
    contextLength: 8192,
    vocabSize: 49_152,
    tiedEmbeddings: true,
    sizeBytes: 269_060_552,
    hasChatTemplate: true,
    notes: [],
    traits: [],
    limits: [],
    fileModules: {},
    made: [],
    problem: null,
    importedAt: '2026-11-20T09:14:00Z',
  },
  {
    id: 'llama-3.2-1b-instruct',
    name: 'Llama-3.2-1B-Instruct',
    path: '/data/models/Llama-3.2-1B-Instruct',
    origin: 'folder',
    source: '/data/models/Llama-3.2-1B-Instruct',
    family: 'Llama',
    architecture: 'LlamaForCausalLM',
    parameters: 1_235_814_400,
    dtype: 'bf16',
    layers: 16,
    hiddenSize: 2048,
    heads: 32,
    kvHeads: 8,
    intermediateSize: 8192,
    contextLength: 131_072,
    vocabSize: 128_256,
    tiedEmbeddings: true,
    sizeBytes: 2_471_645_608,
    hasChatTemplate: true,
    notes: [],
    traits: [],
    limits: [],
    fileModules: {},
    made: [],
    problem: null,
    importedAt: '2026-11-21T16:40:00Z',
  },
  {
    id: 'mixtral-8x7b',
    name: 'Mixtral-8x7B-v0.1',
    path: '/data/models/Mixtral-8x7B-v0.1',
    origin: 'folder',
    source: '/data/models/Mixtral-8x7B-v0.1',
    family: 'Mixtral',
    architecture: 'MixtralForCausalLM',
    parameters: 46_702_792_704,
    dtype: 'bf16',
    layers: 32,
    hiddenSize: 4096,
    heads: 32,
    kvHeads: 8,
    intermediateSize: 14_336,
    contextLength: 32_768,
    vocabSize: 32_000,
    tiedEmbeddings: false,
    sizeBytes: 93_405_585_408,
    hasChatTemplate: false,
    notes: [],
    traits: [],
    limits: [],
    fileModules: {},
    made: [],
    problem: {
      code: 'model.unknown_architecture',
      message: 'Architecture "MixtralForCausalLM" (a mixture of experts) cannot be trained.',
      hint: 'Choose a Llama or Mistral model.',
      data: { architecture: 'MixtralForCausalLM' },
    },
    importedAt: '2026-11-22T08:02:00Z',
  },
];

export const mockDatasets: DatasetCard[] = [
  {
    id: 'larkspur-support',
    name: 'larkspur-support',
    source: '/home/kim/data/larkspur-support.jsonl',
    format: 'jsonl',
    columns: [
      { name: 'prompt', type: 'VARCHAR' },
      { name: 'answer', type: 'VARCHAR' },
      { name: 'topic', type: 'VARCHAR' },
    ],
    rows: 320,
    sizeBytes: 148_220,
    notes: [],
    mapping: {
      kind: 'prompt_answer',
      prompt: 'prompt',
      context: null,
      answer: 'answer',
      system: null,
      history: null,
      tools: null,
    },
    importedAt: '2026-11-20T09:20:00Z',
  },
  {
    id: 'support-chats',
    name: 'support-chats',
    source: '/home/kim/data/support-chats.parquet',
    format: 'parquet',
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'messages', type: 'STRUCT(role VARCHAR, content VARCHAR)[]' },
      { name: 'created', type: 'TIMESTAMP' },
    ],
    rows: 18_240,
    sizeBytes: 9_840_112,
    notes: [],
    mapping: { kind: 'chat', messages: 'messages', system: null, tools: null },
    importedAt: '2026-11-21T11:00:00Z',
  },
  {
    id: 'reviews',
    name: 'reviews',
    source: '/home/kim/data/reviews.csv',
    format: 'csv',
    columns: [
      { name: 'review_id', type: 'BIGINT' },
      { name: 'stars', type: 'BIGINT' },
      { name: 'text', type: 'VARCHAR' },
    ],
    rows: 2_104,
    sizeBytes: 1_480_220,
    notes: [],
    mapping: null,
    importedAt: '2026-11-22T12:31:00Z',
  },
];

export const mockPresets: Preset[] = [
  {
    id: 'lora-balanced',
    title: 'LoRA, balanced',
    order: 1,
    description: 'Rank 16 on every linear layer. A good start for most instruction data.',
    spec: {
      method: { type: 'lora', rank: 16, alpha: 32 },
      optimizer: { type: 'adamw', learning_rate: 2e-4 },
      duration: { unit: 'epochs', value: 2 },
    },
  },
  {
    id: 'quick-look',
    title: 'Quick look',
    order: 2,
    description: 'Fifty steps with small batches, to see in a minute that everything fits together.',
    spec: {
      method: { type: 'lora', rank: 8, alpha: 16 },
      duration: { unit: 'steps', value: 50 },
      batch: { micro_batch_size: 2, grad_accum_steps: 1 },
      evaluation: { every_steps: 10 },
    },
  },
  {
    id: 'full',
    title: 'Full fine-tuning',
    order: 3,
    description: 'Trains every weight with a small learning rate. Needs the most memory.',
    spec: {
      method: { type: 'full' },
      optimizer: { type: 'adamw', learning_rate: 2e-5, weight_decay: 0.01 },
    },
  },
];

export const mockDevices: Device[] = [
  {
    kind: 'cpu',
    index: 0,
    name: 'AMD Ryzen 9 7950X',
    units: 16,
    memoryTotalBytes: 64 * GiB,
    features: ['avx2', 'f16c', 'avx512_bf16'],
  },
];

const topics = ['pairing', 'battery', 'returns', 'firmware'];
const questions = [
  'How do I pair the Larkspur lamp with my phone?',
  'The lamp blinks twice and then goes dark.\nWhat does that mean?',
  'Can I use Larkspur outside in the rain?',
  'How long does the battery last on the lowest setting, and does the colour make a difference to it?',
  'Where do I find the serial number?',
];

/** Rows that look like a support data set; every seventh is long. */
export function mockRow(datasetId: string, index: number): Record<string, unknown> {
  const prompt = questions[index % questions.length] ?? '';
  const base = `Larkspur answer ${index + 1}: hold the side button for three seconds until the ring glows amber.`;
  const answer = index % 7 === 6 ? `${base} ${'Then wait until it is warm white. '.repeat(24)}` : base;
  if (datasetId === 'support-chats')
    return {
      id: index,
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: answer },
      ],
      created: '2026-10-02T10:00:00Z',
    };
  if (datasetId === 'reviews') return { review_id: index, stars: (index % 5) + 1, text: answer };
  return { prompt, answer, topic: topics[index % topics.length] };
}

/** Statistics with every warning in them. */
export function mockStats(rows: number, seqLen: number): TokenStats {
  const histogram = Array.from({ length: 20 }, (_, i) => ({
    from: i * 32,
    to: (i + 1) * 32,
    count: Math.round((rows / 6) * Math.exp(-((i - 4) ** 2) / 9)) + (i === 18 ? Math.round(rows / 60) : 0),
  }));
  const tooLong = histogram.filter((bin) => bin.from >= seqLen).reduce((sum, bin) => sum + bin.count, 0);
  return {
    rows,
    tokens: rows * 164,
    trainedTokens: rows * 71,
    min: 18,
    max: 604,
    mean: 164.2,
    p50: 151,
    p95: 388,
    tooLong,
    allMasked: 0,
    endCutOff: tooLong,
    unusable: [],
    histogram,
  };
}
