/** Layouts over several hosts, those of the spec or of a batch job, and over fewer threads: memory and time. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RankForecast } from '../../../electron/server/native/addon.ts';
import { forecastLayout } from '../../../electron/server/spec/layouts.ts';
import { rankSpeed, stepTime } from '../../../electron/server/spec/step-time.ts';
import { gpu, machine, planLayout, spec } from './layout-fixtures.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('memory', () => {
  it('on hosts is that of the fullest: a stage may weigh more than another', () => {
    const heavyHead = (config: string, json: string): RankForecast[] =>
      planLayout(config, json).map((one) =>
        one.stage === 0 ? one : { ...one, memory: { ...one.memory, totalBytes: 2000 } },
      );
    const bytes = (hosts: string[]) => {
      const planner = { ...machine(1e6).planner, planLayout: heavyHead };
      return forecastLayout('', spec({ pp_size: 4 }, { hosts }), { ...machine(1e6), planner }).deviceBytes;
    };
    expect(bytes(['a:2', 'b:2'])).toBe(4000);
    expect(bytes(['a:1', 'b:3'])).toBe(6000);
    expect(bytes([])).toBe(6200);
  });

  it('in a batch job is that of the ranks of one of its hosts', () => {
    vi.stubEnv('SLURM_JOB_ID', '7');
    vi.stubEnv('SLURM_JOB_NUM_NODES', '2');
    vi.stubEnv('SLURM_CPUS_PER_TASK', '3');
    const threads: number[] = [];
    const planner = {
      ...machine(2000).planner,
      planLayout: (config: string, json: string, own: number) => {
        threads.push(own);
        return planLayout(config, json);
      },
    };
    const forecast = forecastLayout('', spec({ dp_size: 2, tp_size: 2 }), { ...machine(2000), planner });
    expect(forecast.deviceBytes).toBe(800);
    expect(threads).toEqual([3]);
  });
});

describe('the time of a step', () => {
  it('is that of the threads a rank is given, never of more cores than there are for it', () => {
    const four = (threads: number) => rankSpeed(spec({}, { threads }), { ...gpu, kind: 'cpu', units: 8 }, 2);
    expect(four(0)).toBe(4 * 25e9);
    expect(four(1)).toBe(25e9);
    expect(four(64)).toBe(4 * 25e9);
  });

  it('counts groups that do not fit into a host at the pace of the network', () => {
    const seconds = (parallel: object, ranksHere: number) => {
      const two = spec(parallel);
      const [rank] = planLayout('', JSON.stringify(two));
      if (!rank) throw new Error('no rank');
      const traffic = { tensor: 3e9, pipeline: 0, data: 6e9 };
      return stepTime(two, [{ ...rank, traffic }], undefined, ranksHere).communicationSeconds;
    };
    expect(seconds({ tp_size: 2, dp_size: 2 }, 4)).toBeCloseTo(1 + 2);
    expect(seconds({ tp_size: 2, dp_size: 2 }, 2)).toBeCloseTo(1 + 5);
    expect(seconds({ tp_size: 4 }, 2)).toBeCloseTo(2.5 + 5);
    expect(seconds({ tp_size: 2, dp_size: 2, pp_size: 2 }, 4)).toBeCloseTo(1 + 2);
  });
});
