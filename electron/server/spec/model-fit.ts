/** What a model takes on this machine with each method, before there is any data or run. */
import type { Device, ModelCard } from '../../shared/api/entities.ts';
import type { ModelFit } from '../../shared/api/model-fit.ts';
import { CollieError } from '../../shared/errors.ts';
import { methodTitle } from '../../shared/spec/method-traits.ts';
import { type MethodType, methodTypes } from '../../shared/spec/methods.ts';
import { type RunSpec, runSpecSchema } from '../../shared/spec/run-spec.ts';
import { forecastLayout, type Machine, refusalIssues } from './layouts.ts';
import { standIn } from './stand-in.ts';

/** Of a first run: long enough for most rows of instructions. */
const SEQ_LEN = 1024;

/** Data and optimizer are the form's first ones; only what is trained differs. */
const specOf = (type: MethodType, device: Device['kind'], seq_len: number): RunSpec =>
  runSpecSchema.parse({
    ...standIn,
    method: { type },
    device,
    batch: { seq_len, micro_batch_size: 1 },
  });

function methodFit(
  configJson: string,
  type: MethodType,
  spec: RunSpec,
  machine: Machine,
): ModelFit['methods'][number] {
  const title = methodTitle(type);
  try {
    const { deviceBytes, verdict } = forecastLayout(configJson, spec, machine);
    return { type, title, totalBytes: deviceBytes, verdict, refusal: null };
  } catch (thrown) {
    if (!(thrown instanceof CollieError) || thrown.code === 'engine.not_built') throw thrown;
    const refusal = refusalIssues(thrown)
      .map(({ message }) => message)
      .join(' ');
    return { type, title, totalBytes: null, verdict: null, refusal };
  }
}

/** Throws engine.not_built. */
export function modelFit(configJson: string, card: ModelCard, machine: Machine): ModelFit {
  const device =
    machine.devices.find(({ kind }) => kind === 'cuda') ?? machine.devices.find(({ kind }) => kind === 'cpu');
  const kind = device?.kind ?? 'cpu';
  const seqLen = Math.min(SEQ_LEN, card.contextLength);
  const methods = methodTypes.map((type) => methodFit(configJson, type, specOf(type, kind, seqLen), machine));
  methods.sort(
    (a, b) => (a.totalBytes ?? Number.POSITIVE_INFINITY) - (b.totalBytes ?? Number.POSITIVE_INFINITY),
  );
  const availableBytes = kind === 'cpu' ? machine.freeMemoryBytes() : (device?.memoryTotalBytes ?? 0);
  return { device: device?.name ?? 'CPU', availableBytes, seqLen, methods };
}
