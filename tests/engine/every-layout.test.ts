/** Every optimizer and every method trains on as many axes of parallelism as it allows, and what it trains on one rank. */
import { describe, expect, it } from 'vitest';
import { exclusions } from '../../electron/shared/spec/rules.ts';
import type { RunSpec } from '../../electron/shared/spec/run-spec.ts';
import { noMpi } from '../support/mpirun.ts';
import type { SpecPatch } from '../support/rank.ts';
import { layOut, metricsOf, noEngine, temporaryFolder, tinyRun, trainToEnd } from './support.ts';
import { method, methodRates, optimizer, optionsOf, rates } from './variants.ts';

/** What all of these sum in another order, and some of them then divide by something small. */
const TOLERANCE = 1e-4;

type Layout = Partial<RunSpec['parallel']>;

/**
 * dp 2, tp 2 with sequence parallelism, pp 2 and ZeRO 2, without the axes that the method or the optimizer excludes; and ZeRO 3, which
 * goes without stages, beside whole sequences.
 */
function layoutsFor(methodType: string, optimizerType: string): Layout[] {
  const excluded = exclusions
    .filter(({ path, type }) => type === (path === 'method.type' ? methodType : optimizerType))
    .map(({ feature }) => feature);
  const two = (axis: (typeof excluded)[number]) => (excluded.includes(axis) ? 1 : 2);
  const sequence_parallel = two('tensor_parallel') > 1;
  const widest = { dp_size: 2, tp_size: two('tensor_parallel'), pp_size: two('pipeline_parallel') };
  if (excluded.includes('zero')) return [{ ...widest, sequence_parallel, zero_stage: 0 }];
  return [
    { ...widest, sequence_parallel, zero_stage: 2 },
    { ...widest, pp_size: 1, zero_stage: 3 },
  ];
}

describe.skipIf(noEngine ?? noMpi)('every layout', () => {
  const root = temporaryFolder();
  const duration = { unit: 'steps', value: 4 } as const;

  async function losses(spec: SpecPatch, layout: Layout): Promise<number[]> {
    const run = tinyRun(root, { ...spec, duration });
    layOut(run, layout);
    return metricsOf(await trainToEnd(run), 'step').map(({ loss }) => loss);
  }
  async function expectSame(spec: SpecPatch, alone: SpecPatch, layouts: Layout[]) {
    const expected = await losses({ ...spec, ...alone }, {});
    for (const layout of layouts) {
      const received = await losses(spec, layout);
      expect(received).toHaveLength(duration.value);
      for (const [step, loss] of received.entries()) {
        const away = Math.abs(loss - (expected[step] ?? 0)) / (expected[step] ?? 0);
        expect(away, `ZeRO ${layout.zero_stage}, step ${step}`).toBeLessThan(TOLERANCE);
      }
    }
  }

  it.each(optionsOf('method.type'))('%s', async (type) => {
    const spec: SpecPatch = {
      method: method(type),
      optimizer: optimizer('adamw', methodRates[type] ?? 0.005),
      batch: { micro_batch_size: 1, grad_accum_steps: 4, seq_len: 64 },
    };
    await expectSame(spec, {}, layoutsFor(type, 'adamw'));
  });

  it.each(optionsOf('optimizer.type'))('full fine-tuning with %s', async (type) => {
    const batch = { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 64 };
    const spec: SpecPatch = {
      method: { type: 'full' },
      optimizer: optimizer(type, (rates[type] ?? 0.01) / 4),
      batch,
    };
    // One rank that updates inside the backward pass has all rows in one micro-batch.
    await expectSame(
      spec,
      { batch: { ...batch, micro_batch_size: 4, grad_accum_steps: 1 } },
      layoutsFor('full', type),
    );
  });

  it('LoRA on a base in 4 bits', async () => {
    const spec: SpecPatch = {
      quantization: 'nf4',
      batch: { micro_batch_size: 1, grad_accum_steps: 4, seq_len: 64 },
    };
    await expectSame(spec, {}, [
      { dp_size: 2, pp_size: 2, zero_stage: 1 },
      { dp_size: 2, zero_stage: 3 },
    ]);
  });
});
