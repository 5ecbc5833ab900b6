/** What of a layout goes together, with the numbers and the fix; and ranking of layouts over a planner that is a stand-in. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { checkParallel } from '../../../electron/server/spec/check-parallel.ts';
import type { Findings, Found, SpecContext } from '../../../electron/server/spec/context.ts';
import { hostIssues, hostRules } from '../../../electron/server/spec/host-rules.ts';
import type { Parts } from '../../../electron/server/spec/issue.ts';
import { forecastLayout, gridsOf, rankLayouts } from '../../../electron/server/spec/layouts.ts';
import { stepTime } from '../../../electron/server/spec/step-time.ts';
import type { Device } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { batchSchema } from '../../../electron/shared/spec/batch-fields.ts';
import { checkpointSchema } from '../../../electron/shared/spec/checkpoint-fields.ts';
import { withRates } from '../../../electron/shared/spec/learning-rates.ts';
import { optimizerSchema } from '../../../electron/shared/spec/optimizers.ts';
import { bubbleShare, parallelSchema } from '../../../electron/shared/spec/parallel-fields.ts';
import { generalRules, ruleIssues, rules } from '../../../electron/shared/spec/rules.ts';
import type { RunSpec } from '../../../electron/shared/spec/run-spec.ts';
import { gpu, machine, planLayout, spec } from './layout-fixtures.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const parts = (
  parallel: object,
  batch: object = {},
  more: { hosts?: string[]; optimizer?: RunSpec['optimizer']; duration?: RunSpec['duration'] } = {},
) => ({ parallel: parallelSchema.parse(parallel), batch: batchSchema.parse(batch), hosts: [], ...more });

/** For every rule: what it refuses, what the fix must hold, and what it lets through. */
const cases: Record<string, { bad: ReturnType<typeof parts>; fix: string; good: ReturnType<typeof parts> }> =
  {
    lomo_accumulation: {
      bad: parts(
        { dp_size: 2 },
        { grad_accum_steps: 4, micro_batch_size: 4 },
        { optimizer: withRates('full', optimizerSchema.parse({ type: 'lomo' })) },
      ),
      fix: 'batch.grad_accum_steps to 1 and batch.micro_batch_size to 16',
      good: parts(
        { dp_size: 2 },
        { grad_accum_steps: 1 },
        { optimizer: withRates('full', optimizerSchema.parse({ type: 'adalomo' })) },
      ),
    },
    sequence_without_tensor_parallel: {
      bad: parts({ sequence_parallel: true }),
      fix: 'Set it to false, or raise parallel.tp_size',
      good: parts({ sequence_parallel: true, tp_size: 2 }),
    },
    zero_without_data_parallel: {
      bad: parts({ zero_stage: 2, tp_size: 2 }),
      fix: 'Set it to 0',
      good: parts({ zero_stage: 2, dp_size: 2 }),
    },
    zero3_with_stages: {
      bad: parts({ zero_stage: 3, dp_size: 2, pp_size: 2 }),
      fix: 'Set it to 2',
      good: parts({ zero_stage: 3, dp_size: 2, tp_size: 2 }),
    },
    chunks_without_stages: {
      bad: parts({ pipeline_chunks: 2 }),
      fix: 'Set it to 1',
      good: parts({ pipeline_chunks: 2, pp_size: 2 }),
    },
    interleaving: {
      bad: parts({ pipeline_chunks: 2, pp_size: 4, dp_size: 2 }, { grad_accum_steps: 6 }),
      fix: 'batch.grad_accum_steps to 8',
      good: parts({ pipeline_chunks: 2, pp_size: 4, dp_size: 2 }, { grad_accum_steps: 8 }),
    },
    whole_steps: {
      bad: parts({}, {}, { duration: { unit: 'steps', value: 2.5 } }),
      fix: 'Use 3, or epochs',
      good: parts({}, {}, { duration: { unit: 'epochs', value: 2.5 } }),
    },
    hosts: {
      bad: parts({}, {}, { hosts: ['node1:2', 'node1'] }),
      fix: 'Write it once',
      good: parts({}, {}, { hosts: ['node1:2', 'node2:2'] }),
    },
    slots: {
      bad: parts({ tp_size: 8 }, {}, { hosts: ['a:4', 'b:2'] }),
      fix: 'Add hosts or slots',
      good: parts({ tp_size: 8 }, {}, { hosts: ['a:4', 'b:4'] }),
    },
  };

describe('rules', () => {
  const all = (spec: ReturnType<typeof parts>) => [...ruleIssues(spec), ...hostIssues(spec)];
  it.each(
    [...generalRules, ...rules.filter(({ id }) => id === 'lomo_accumulation'), ...hostRules].map(
      ({ id }) => id,
    ),
  )('%s: refused with a fix, allowed otherwise', (id) => {
    const { bad, fix, good } = cases[id] as (typeof cases)[string];
    const [issue, ...others] = all(bad);
    expect(others).toEqual([]);
    expect(issue?.suggestion).toContain(fix);
    expect(all(good)).toEqual([]);
  });

  it('names the sizes when slots are too few', () => {
    expect(hostIssues(parts({ tp_size: 8 }, {}, { hosts: ['a:4', 'b:2'] }))[0]?.message).toBe(
      '8 ranks (dp 1 x tp 8 x pp 1) need as many slots; the hosts have 6.',
    );
  });
});

function findings(more: Parts, devices: Device[] = [], mpirun = () => '/usr/bin/mpirun'): Findings {
  const result: Findings = { issues: [], warnings: [] };
  checkParallel(
    { hosts: [], batch: batchSchema.parse({ grad_accum_steps: 16 }), ...more },
    { devices } as unknown as Found,
    { mpirun } as unknown as SpecContext,
    result,
  );
  return result;
}

describe('the machine', () => {
  const parallel = parallelSchema.parse({ dp_size: 2, tp_size: 2 });

  it('needs a GPU for every rank, unless hosts are named', () => {
    const { issues } = findings({ parallel, device: 'cuda' }, [gpu, gpu]);
    expect(issues).toMatchObject([{ path: 'parallel', code: 'too_big', received: 4 }]);
    expect(issues[0]?.message).toBe('4 ranks (dp 2 x tp 2 x pp 1) need a GPU each; this machine has 2.');
    expect(findings({ parallel, device: 'cuda' }, [gpu, gpu, gpu, gpu]).issues).toEqual([]);
    expect(findings({ parallel, device: 'cuda', hosts: ['a:2', 'b:2'] }, [gpu, gpu]).issues).toEqual([]);
  });

  it('of a batch job is not this one alone', () => {
    vi.stubEnv('SLURM_JOB_ID', '7');
    expect(findings({ parallel, device: 'cuda' }, [gpu, gpu]).issues).toEqual([]);
  });

  it('may have fewer cores than ranks, which is told', () => {
    const many = parallelSchema.parse({ dp_size: 16, tp_size: 32 });
    const { issues, warnings } = findings({ parallel: many, device: 'cpu' });
    expect(issues).toEqual([]);
    expect(warnings).toMatchObject([{ path: 'parallel', code: 'unusual', received: 512 }]);
  });

  it('needs mpirun for several ranks only', () => {
    const none = () => {
      throw new CollieError('setup.failed', 'There is no mpirun.', 'Install it.');
    };
    expect(findings({ parallel, device: 'cpu' }, [], none).issues).toMatchObject([
      { path: 'parallel', code: 'setup.failed', suggestion: 'Install it.' },
    ]);
    expect(findings({ parallel: parallelSchema.parse({}), device: 'cpu' }, [], none).issues).toEqual([]);
  });
});

it('a large bubble is told with its share', () => {
  const parallel = parallelSchema.parse({ pp_size: 4 });
  const batch = batchSchema.parse({ grad_accum_steps: 4 });
  expect(findings({ parallel, batch }).warnings).toContainEqual(
    expect.objectContaining({
      path: 'parallel.pp_size',
      message: expect.stringContaining('waits 43% of a step'),
    }),
  );
  expect(findings({ parallel }).warnings.filter(({ path }) => path === 'parallel.pp_size')).toEqual([]);
});

it('restarts without checkpoints are warned of', () => {
  const recovery = { max_restarts: 2 };
  const checkpoint = checkpointSchema.parse({ keep: 1 });
  const told = findings({ recovery, checkpoint: { ...checkpoint, every_steps: 0 } }).warnings;
  expect(told).toMatchObject([{ path: 'recovery.max_restarts' }]);
  expect(findings({ recovery, checkpoint: { ...checkpoint, every_steps: 5 } }).warnings).toEqual([]);
});

describe('layouts', () => {
  it('are all factors of the ranks, with ZeRO over data-parallel and with and without sequence parallelism over tensor-parallel ones', () => {
    const grids = gridsOf(4, [1, 2, 4]);
    expect(grids).toHaveLength(4 + 3 + 1 + 2 * 4 + 2 + 2);
    expect(grids.every(({ tp_size, sequence_parallel }) => tp_size !== 1 || !sequence_parallel)).toBe(true);
    for (const { dp_size = 0, tp_size = 0, pp_size = 0 } of grids)
      expect(dp_size * tp_size * pp_size).toBe(4);
  });

  it('on a CPU share its memory, on GPUs have one each', () => {
    expect(forecastLayout('', spec({ dp_size: 2, tp_size: 2 }), machine(2000))).toMatchObject({
      deviceBytes: 1600,
      availableBytes: 2000,
      verdict: 'fits',
    });
    const cuda = forecastLayout('', spec({ tp_size: 2 }, { device: 'cuda' }), machine(0, [gpu]));
    expect(cuda).toMatchObject({ deviceBytes: 400, availableBytes: 1000, verdict: 'fits' });
  });

  it('with activation checkpointing "auto" take the first level that fits, the last where none does', () => {
    const needs = { off: 900, norms: 700, mlp: 500, attention: 400, full: 200 };
    const planner = {
      ...machine(0).planner,
      planLayout: (config: string, json: string) => {
        const level = (JSON.parse(json) as RunSpec).activation_checkpointing as keyof typeof needs;
        return planLayout(config, json).map((rank) => ({
          ...rank,
          memory: { ...rank.memory, totalBytes: needs[level] },
        }));
      },
    };
    const forecast = (free: number, activation_checkpointing: RunSpec['activation_checkpointing']) =>
      forecastLayout('', spec({}, { activation_checkpointing }), { ...machine(free), planner });
    expect(forecast(2000, 'auto')).toMatchObject({ checkpointing: 'off', deviceBytes: 900 });
    expect(forecast(600, 'auto')).toMatchObject({ checkpointing: 'mlp', deviceBytes: 500, verdict: 'fits' });
    expect(forecast(100, 'auto')).toMatchObject({ checkpointing: 'full', verdict: 'does_not_fit' });
    expect(forecast(600, 'off')).toMatchObject({ checkpointing: 'off', verdict: 'does_not_fit' });
  });

  it('on two hosts, the memory here is that of the ranks here', () => {
    const two = spec({ dp_size: 2, tp_size: 2 }, { hosts: ['a:2', 'b:2'] });
    expect(forecastLayout('', two, machine(2000)).deviceBytes).toBe(800);
  });

  it('keep the layers of the chunks where there are as many stages, as in the spec itself', () => {
    const own = spec({ pp_size: 2, pipeline_layers: [5, 3] });
    for (const { parallel } of rankLayouts('', own, 4, machine(1e6)))
      expect(parallel.pipeline_layers).toEqual(parallel.pp_size === 2 ? [5, 3] : []);
  });

  it('rank what fits first, then the fastest', () => {
    const layouts = rankLayouts('', spec(), 4, machine(3000));
    const fits = layouts.map(({ verdict }) => verdict);
    expect(fits).toEqual(
      [...fits].sort(
        (a, b) => ['fits', 'tight', 'does_not_fit'].indexOf(a) - ['fits', 'tight', 'does_not_fit'].indexOf(b),
      ),
    );
    expect(layouts[0]).toMatchObject({ verdict: 'fits', parallel: { dp_size: 4, zero_stage: 1 } });
    // The pipeline fits as well, and is slower by its bubble.
    expect(layouts.some(({ parallel, verdict }) => parallel.pp_size === 4 && verdict === 'fits')).toBe(true);
    expect(layouts.at(-1)?.verdict).toBe('does_not_fit');
    const zero3 = layouts.filter(({ parallel }) => parallel.zero_stage === 3);
    expect(zero3.length).toBeGreaterThan(0);
    expect(zero3.every(({ parallel }) => parallel.pp_size === 1)).toBe(true);
  });

  it('leave out what the batch or the model does not allow', () => {
    const odd = rankLayouts('', spec({}, { batch: { grad_accum_steps: 3 } }), 4, machine(1e6));
    expect(odd.every(({ parallel }) => parallel.dp_size === 1)).toBe(true);
    // The global batch of the spec is kept: 8 micro-batches of all ranks.
    const own = spec({ dp_size: 2 }, { batch: { grad_accum_steps: 4 } });
    const kept = rankLayouts('', own, 8, machine(1e6));
    expect(new Set(kept.map(({ parallel }) => parallel.dp_size))).toEqual(new Set([1, 2, 4, 8]));
    for (const { parallel, gradAccumSteps } of kept) expect(gradAccumSteps * parallel.dp_size).toBe(8);
    expect(rankLayouts('', spec(), 16, machine(1e6)).every(({ parallel }) => parallel.pp_size <= 8)).toBe(
      true,
    );
  });
});

describe('the time of a step', () => {
  it('is arithmetic, the bubble and communication', () => {
    const parallel = { pp_size: 4 };
    expect(bubbleShare(parallelSchema.parse(parallel), 8)).toBeCloseTo(3 / 11);
    const four = spec(parallel, { device: 'cuda', precision: 'bf16' });
    const time = stepTime(four, planLayout('', JSON.stringify(four)), gpu, 4);
    // 800 tokens of 1/4 of 1e9 operations at 100 x 1.5e12 a second.
    expect(time.computeSeconds).toBeCloseTo((800 * 2.5e8) / 1.5e14);
    expect(time.bubbleSeconds / (time.computeSeconds + time.bubbleSeconds)).toBeCloseTo(3 / 11);
    expect(time.communicationSeconds).toBe(0);
    const tensor = spec({ tp_size: 2 });
    expect(stepTime(tensor, planLayout('', JSON.stringify(tensor)), undefined, 2).communicationSeconds).toBe(
      1,
    );
  });
});
