/** Made-up runs of the mock host: one that trains, one that has ended, one that failed. */
import type { MethodResult } from '../../../../electron/shared/api/api.ts';
import { DEFAULT_SET } from '../../../../electron/shared/runs/event-line.ts';
import {
  EVENTS_VERSION,
  type EventPayload,
  type RunEvent,
  type RunStatus,
} from '../../../../electron/shared/runs/events.ts';
import { methodSchema } from '../../../../electron/shared/spec/methods.ts';
import { linearModuleNames } from '../../../../electron/shared/spec/module-pattern.ts';
import { type RunSpec, runSpecSchema } from '../../../../electron/shared/spec/run-spec.ts';
import { mockRanks, mockRestarts, parallelRunSpec } from './mock-parallel.ts';

export const mockSpec: RunSpec = runSpecSchema.parse({
  name: 'Larkspur support, LoRA r16',
  model: 'library:smollm2-135m-instruct',
  dataset: {
    train: 'library:larkspur-support',
    mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
  },
  method: { type: 'lora' },
  optimizer: { type: 'adamw' },
  duration: { unit: 'steps', value: 240 },
  evaluation: { every_steps: 40 },
  sampling: { prompts: ['How do I pair the Larkspur lamp?'] },
});

const parallelSpec = parallelRunSpec(mockSpec);
const adalora = methodSchema.parse({ type: 'adalora' });

const started = Date.UTC(2026, 10, 22, 14, 0, 0);
const iso = (seconds: number) => new Date(started + seconds * 1000).toISOString();

/** What the supervisor measures of a machine with two GPUs. */
function machine(step: number): Record<string, number> {
  const wave = Math.sin(step / 9);
  const gpu = (index: number) => ({
    [`gpu_util/gpu-${index}`]: 0.9 + wave / 20 - index / 10,
    [`gpu_memory_bytes/gpu-${index}`]: 31e9,
    [`gpu_temperature/gpu-${index}`]: 58 + 4 * wave + 2 * index,
    [`gpu_power_watts/gpu-${index}`]: 410 + 30 * wave,
  });
  return {
    cpu_share: 0.21 + wave / 50,
    rss_bytes: 2.4e9,
    disk_read_bytes_per_second: step < 20 ? 9e6 : 0,
    disk_write_bytes_per_second: step % 80 === 0 ? 4e6 : 2e3,
    network_received_bytes_per_second: 4e3,
    network_sent_bytes_per_second: 3e3,
    gpu_util: 0.85 + wave / 20,
    gpu_memory_bytes: 62e9,
    gpu_temperature: 60 + 4 * wave,
    gpu_power_watts: 820 + 60 * wave,
    ...gpu(0),
    ...gpu(1),
    energy_kwh: (step * 1.9 * 820) / 3.6e6,
    mfu: 0.38 + wave / 80,
  };
}

/** Events up to a step: warm-up and cosine, a noisy falling loss, an evaluation every 40 steps. */
export function mockEvents(
  steps: number,
  total = 240,
  extra: 'none' | 'ranks' | 'curvature' = 'none',
): RunEvent[] {
  const events: RunEvent[] = [];
  const add = (step: number, event: Pick<RunEvent, 'type' | 'payload'>) =>
    events.push({
      v: EVENTS_VERSION,
      rank: 0,
      seq: events.length,
      timeUs: (started + step * 1900) * 1000,
      step,
      ...event,
    } as RunEvent);
  add(0, {
    type: 'started',
    payload: {
      attempt: 1,
      resumed_from_step: 0,
      total_steps: total,
      train_rows: 304,
      eval_rows: 16,
      trainable_params: 4_884_480,
      total_params: 139_399_488,
      device: 'cpu',
      threads: 16,
    },
  });
  for (let step = 0; step <= steps; step++) {
    if (step > 0)
      add(step, { type: 'step', payload: { metrics: stepMetrics(step, total, extra === 'curvature') } });
    if (step > 1 && step % 5 === 0) add(step, { type: 'monitored', payload: { metrics: machine(step) } });
    if (extra === 'ranks' && step > 0 && step % 10 === 0)
      add(step, { type: 'ranks', payload: ranks(step, total) });
    if (step % 40 === 0) {
      const loss = 0.9 + 2.3 * Math.exp(-step / 70);
      add(step, {
        type: 'eval',
        payload: {
          set: DEFAULT_SET,
          metrics: {
            loss,
            perplexity: Math.exp(loss),
            token_accuracy: 0.85 - loss / 6,
            target_tokens: 1136,
            eval_seconds: 1.4,
          },
        },
      });
    }
    if (step > 0 && step % 80 === 0)
      add(step, {
        type: 'checkpoint',
        payload: { name: `step-${String(step).padStart(8, '0')}`, bytes: 58_640_112, seconds: 0.3 },
      });
  }
  if (steps >= total)
    add(total, {
      type: 'finished',
      payload: { reason: 'completed', seconds: total * 1.9, tokens: total * 1312 },
    });
  return events;
}

function stepMetrics(step: number, total: number, curvature: boolean) {
  const noise = Math.sin(step * 12.9898) * 0.12 + Math.sin(step * 3.7) * 0.06;
  const warmup = total * 0.05;
  const learningRate =
    step < warmup
      ? (2e-4 * step) / warmup
      : 1e-4 * (1 + Math.cos((Math.PI * (step - warmup)) / (total - warmup)));
  return {
    loss: 0.8 + 2.4 * Math.exp(-step / 60) + noise,
    learning_rate: learningRate,
    grad_norm: 0.6 + 1.5 * Math.exp(-step / 50) + Math.abs(noise),
    epoch: step / 38,
    tokens: 1312,
    target_tokens: 568,
    step_seconds: 1.9,
    tokens_per_second: 690 + noise * 100,
    memory_bytes: 1_240_000_000,
    memory_peak_bytes: 1_310_000_000,
    ...(curvature && step % 10 === 1 ? { curvature_seconds: 0.62 + noise / 4 } : {}),
  };
}

/** Ranks that shrink from 12 to 8 on average between a tenth and six tenths of the run, most in early layers. */
function ranks(step: number, total: number): EventPayload<'ranks'> {
  const names = linearModuleNames(30);
  const done = Math.min(1, Math.max(0, (step / total - 0.1) / 0.5));
  const modules = Object.fromEntries(
    names.map((name, k) => {
      const layer = Math.floor(k / 7);
      const wish = 8 + 4 * Math.cos(layer / 9) + 3 * Math.sin(k * 2.3);
      return [name, Math.round(12 + done * (Math.min(12, Math.max(0, wish)) - 12))];
    }),
  );
  const sum = Object.values(modules).reduce((a, b) => a + b, 0);
  return { total: sum, target: Math.round(names.length * (8 + 4 * (1 - done) ** 3)), modules };
}

const base: RunStatus = {
  v: 1,
  ranks: [],
  restarts: [],
  alarms: [],
  callbacks: [],
  id: 'run-live',
  name: mockSpec.name,
  state: 'running',
  phase: 'Training',
  phaseProgress: null,
  step: 96,
  totalSteps: 240,
  etaSeconds: 274,
  attempt: 1,
  createdAt: iso(-20),
  startedAt: iso(0),
  finishedAt: null,
  updatedAt: iso(182),
  lastLoss: 1.24,
  lastEvalLoss: 1.63,
  tokensPerSecond: 690,
  checkpoint: 'step-00000080',
  error: null,
  supervisorPid: 4242,
};

export const mockRuns: RunStatus[] = [
  {
    ...base,
    alarms: [
      {
        kind: 'gradient_norm',
        step: 71,
        timeUs: Date.now() * 1000 - 120e6,
        message: 'The gradient norm is 21.4, 14.2 times what it usually is.',
        cause:
          'A batch of unusual rows (very long, very short or broken answers), or training that is about to diverge.',
        advice:
          'Gradient clipping scales such a step down. If it comes again and again, lower the learning rate.',
      },
    ],
  },
  {
    ...base,
    id: 'run-parallel',
    name: 'Larkspur support, 2 x 2 x 2',
    step: 131,
    attempt: 2,
    lastEvalLoss: 1.31,
    createdAt: iso(-40),
    ranks: mockRanks(parallelSpec.parallel, 131),
    restarts: mockRestarts,
  },
  {
    ...base,
    id: 'run-done',
    name: 'Larkspur support, LoRA r8',
    state: 'completed',
    phase: 'Completed',
    step: 240,
    etaSeconds: null,
    createdAt: iso(-86_400),
    startedAt: iso(-86_390),
    finishedAt: iso(-85_900),
    lastLoss: 0.83,
    lastEvalLoss: 0.97,
    checkpoint: 'step-00000240',
    supervisorPid: null,
  },
  {
    ...base,
    id: 'run-adalora',
    name: 'Larkspur support, AdaLoRA r8',
    state: 'completed',
    phase: 'Completed',
    step: 240,
    etaSeconds: null,
    createdAt: iso(-96_400),
    startedAt: iso(-96_390),
    finishedAt: iso(-95_900),
    lastLoss: 0.85,
    lastEvalLoss: 0.99,
    checkpoint: 'step-00000240',
    supervisorPid: null,
  },
  {
    ...base,
    id: 'run-sophia',
    name: 'Larkspur support, Sophia',
    state: 'completed',
    phase: 'Completed',
    step: 240,
    etaSeconds: null,
    createdAt: iso(-106_400),
    startedAt: iso(-106_390),
    finishedAt: iso(-105_900),
    lastLoss: 0.84,
    lastEvalLoss: 0.98,
    checkpoint: 'step-00000240',
    supervisorPid: null,
  },
  {
    ...base,
    id: 'run-failed',
    name: 'Full, learning rate 3e-3',
    state: 'failed',
    phase: 'Failed',
    step: 31,
    etaSeconds: null,
    createdAt: iso(-172_800),
    startedAt: iso(-172_790),
    finishedAt: iso(-172_700),
    lastLoss: 9.4,
    lastEvalLoss: null,
    checkpoint: null,
    supervisorPid: null,
    error: {
      code: 'train.non_finite',
      message: 'The loss of step 32 is not finite.',
      hint: 'Lower the learning rate (3e-3) or turn on gradient clipping.',
      data: { step: 32 },
    },
  },
];

/** With the settings that its picture needs. */
export function mockRunSpec({ id, name }: RunStatus): RunSpec {
  const spec = { ...(id === 'run-parallel' ? parallelSpec : mockSpec), name };
  return id === 'run-adalora' ? { ...spec, method: adalora } : spec;
}

export function mockRunDetail(status: RunStatus): MethodResult<'runs.get'> {
  return {
    status,
    spec: mockRunSpec(status),
    evaluates: null,
    modelId: mockSpec.model.replace('library:', ''),
    environment: { collie: '0.1.0', platform: 'linux-x64', device: 'AMD Ryzen 9 7950X' },
    checkpoints: status.checkpoint
      ? [
          {
            name: status.checkpoint,
            step: Number(status.checkpoint.slice(5)),
            sizeBytes: 58_640_112,
            best: null,
          },
        ]
      : [],
    samples: [
      {
        step: 0,
        promptIndex: 0,
        prompt: 'How do I pair the Larkspur lamp?',
        text: 'To pair a lamp, please consult its manual.',
        finish: 'stop',
      },
      {
        step: 80,
        promptIndex: 0,
        prompt: 'How do I pair the Larkspur lamp?',
        text: 'Answer: Hold the side button for three seconds until the ring glows amber.',
        finish: 'stop',
      },
    ],
    path: `/home/kim/.collie/runs/${status.id}`,
  };
}

/** Events of one of the runs above. */
export function mockRunEvents({ id, totalSteps }: RunStatus): RunEvent[] {
  const extra = id === 'run-adalora' ? 'ranks' : id === 'run-sophia' ? 'curvature' : 'none';
  return mockEvents(totalSteps ?? 240, totalSteps ?? 240, extra);
}
