/** The mock host's forecast: roughly what the real planner says of a model of 30 layers. */
import type { LayoutForecast, RunPreview } from '../../../../electron/shared/api/entities.ts';
import { methodTraits, whatIsTrained } from '../../../../electron/shared/spec/method-traits.ts';
import type { Method } from '../../../../electron/shared/spec/methods.ts';
import { fusedOptimizers } from '../../../../electron/shared/spec/rules.ts';
import { globalBatch, type RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { mockModels } from './mock-data.ts';
import { mockLayout } from './mock-layouts.ts';

const LAYERS = 30;
const HIDDEN = 576;
/** Parameters of LoRA of rank 1 on all linear layers. */
const PER_RANK = 305_280;
/** Of methods that train a number for each channel. */
const PER_LAYER = 5184;

function trainableOf(method: Method, total: number): number {
  if ('rank' in method) return Math.round((method.rank * PER_RANK * method.target_modules.length) / 7);
  if ('init_rank' in method) return method.init_rank * PER_RANK;
  if ('virtual_tokens' in method) return method.virtual_tokens * HIDDEN;
  if ('bottleneck_size' in method) return 4 * LAYERS * HIDDEN * method.bottleneck_size;
  if ('last_layers' in method) return Math.min(total, Math.round((total * method.last_layers) / LAYERS));
  return methodTraits(method.type).base === 'trained' ? total : LAYERS * PER_LAYER;
}

/** Bytes of states a trained parameter, where they are not 8. */
const STATE_BYTES: Readonly<Record<string, number>> = {
  sgd: 4,
  adan: 16,
  apollo: 0.5,
  adafactor: 0.1,
  adamw8bit: 2,
  lion: 4,
  muon: 4,
};

export function mockPreview(spec: RunSpec): RunPreview {
  const { batch, duration, method, optimizer } = spec;
  const model = mockModels.find((m) => spec.model === `library:${m.id}`) ?? mockModels[0];
  const total = model?.parameters ?? 0;
  const trainable = trainableOf(method, total);
  const fused = fusedOptimizers.includes(optimizer.type);
  const ownMasters = methodTraits(method.type).base === 'trained' && !fused ? trainable * 4 : 0;
  const memory = {
    weightsBytes: Math.round(total * (spec.quantization === 'nf4' ? 0.7 : 2) + ownMasters),
    gradientsBytes: fused ? Math.round((trainable * 4) / LAYERS) : trainable * 4,
    optimizerBytes: fused ? 0 : Math.round(trainable * (STATE_BYTES[optimizer.type] ?? 8)),
    activationsBytes: batch.micro_batch_size * batch.seq_len * LAYERS * 9000,
  };
  const totalBytes = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0) + 110 * 1024 ** 2;
  const availableBytes = 24 * 1024 ** 3;
  const share = totalBytes / availableBytes;
  const verdict = share > 1 ? 'does_not_fit' : share > 0.85 ? 'tight' : 'fits';
  const whole: RunPreview['memory'] = { ...memory, totalBytes, availableBytes, verdict };
  const layout = mockLayout(spec, whole);
  const batchOfStep = globalBatch(spec);
  const { sequences } = batchOfStep;
  const perEpoch = Math.ceil(304 / sequences);
  return {
    modelName: model?.name ?? '',
    trainRows: 304,
    evalRows: 16,
    stepsPerEpoch: perEpoch,
    totalSteps: Math.round(duration.unit === 'steps' ? duration.value : perEpoch * duration.value),
    globalBatch: batchOfStep,
    totalParams: total,
    trainableParams: trainable,
    adapterBytes: methodTraits(method.type).adapter === 'none' ? 0 : trainable * 4,
    memory: ofFullestDevice(layout, spec.device),
    layout,
    time: mockTime(trainable, batch.seq_len * sequences, duration, perEpoch),
    beside:
      spec.device === 'cpu' ? [{ id: 'run-live', name: 'Larkspur support, LoRA r16', etaSeconds: 274 }] : [],
    summary: [
      `${model?.name ?? 'The model'} trains ${whatIsTrained(method)} on 304 rows of ${spec.dataset.train.replace('library:', '')}.`,
      `Each step reads ${sequences} sequences of at most ${batch.seq_len} tokens.`,
      'Computes in bf16 on the CPU with all cores.',
    ],
    warnings: optimizer.learning_rate > 0.1 ? ['A learning rate above 0.1 often diverges.'] : [],
  };
}

function mockTime(
  trainable: number,
  tokens: number,
  { unit, value }: RunSpec['duration'],
  perEpoch: number,
): RunPreview['time'] {
  const stepSeconds = (tokens * (4e8 + 2 * trainable)) / 1.6e12;
  const steps = Math.round(unit === 'steps' ? value : perEpoch * value);
  return { seconds: steps * stepSeconds, stepSeconds, measuredRuns: 3 };
}

/** All ranks share the memory of a CPU; a GPU has one, and here all are alike. */
function ofFullestDevice(layout: LayoutForecast, device: RunSpec['device']): RunPreview['memory'] {
  const { ranks, parallel, deviceBytes, availableBytes, verdict } = layout;
  const here = device === 'cuda' ? ranks.slice(0, 1) : ranks;
  const copies = device === 'cuda' ? 1 : parallel.dp_size;
  const sum = (part: 'weightsBytes' | 'gradientsBytes' | 'optimizerBytes' | 'activationsBytes') =>
    copies * here.reduce((bytes, { memory }) => bytes + memory[part], 0);
  return {
    weightsBytes: sum('weightsBytes'),
    gradientsBytes: sum('gradientsBytes'),
    optimizerBytes: sum('optimizerBytes'),
    activationsBytes: sum('activationsBytes'),
    totalBytes: deviceBytes,
    availableBytes,
    verdict,
  };
}
