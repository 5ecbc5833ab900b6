/** How much of the arithmetic that the devices of a run could do is put to use: what the model needs for its tokens, over what they can do in the time. */
import { deviceName, gemmRate } from '../../server/machine/gemm.ts';
import { gpuPeak } from '../../server/machine/gpu-peaks.ts';
import { flopsPerToken } from '../../server/spec/run-flops.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import { worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import type { Log } from '../log.ts';

/** Operations per second that all devices of a run can do together; null: not known. */
export interface Peaks {
  dataSheet: number | null;
  gemm: number | null;
}

export class Utilization {
  readonly #flopsPerToken: number | null;
  readonly #peaks: Peaks;

  /** `flopsPerToken`: forward and backward, nothing computed twice; null: not known. */
  constructor(flopsPerToken: number | null, peaks: Peaks) {
    this.#flopsPerToken = flopsPerToken;
    this.#peaks = peaks;
  }

  /** Of steps with so many tokens that took so many seconds. */
  of(tokens: number, seconds: number): Record<string, number> {
    if (this.#flopsPerToken === null || !(seconds > 0)) return {};
    const used = (this.#flopsPerToken * tokens) / seconds;
    const { dataSheet, gemm } = this.#peaks;
    return {
      ...(dataSheet === null ? {} : { mfu: used / dataSheet }),
      ...(gemm === null ? {} : { gemm_share: used / gemm }),
    };
  }
}

/** Of a run whose data is there. What is not known is said in its log, and has no figure. */
export function utilizationOf(runDir: string, home: string, spec: RunSpec, log: Log): Utilization {
  try {
    const peaks = peaksOf(home, spec);
    if (peaks.gemm === null)
      log(`no share of the GEMM peak: ${spec.precision} products were not measured here (collie bench gemm)`);
    if (peaks.gemm === null && peaks.dataSheet === null) return new Utilization(null, peaks);
    return new Utilization(flopsPerToken(runDir, spec), peaks);
  } catch (thrown) {
    log(`no utilization: ${toErrorInfo(thrown).message}`);
    return new Utilization(null, { dataSheet: null, gemm: null });
  }
}

/** All ranks of a machine share its processor; every one has a GPU of its own. */
function peaksOf(home: string, { device, precision, parallel, hosts }: RunSpec): Peaks {
  const name = deviceName(device);
  const devices = device === 'cuda' ? worldSize(parallel) : Math.max(1, hosts.length);
  const all = (one: number | null | undefined) => (one ? one * devices : null);
  if (name === null) return { dataSheet: null, gemm: null };
  return {
    dataSheet: device === 'cuda' ? all(gpuPeak(name, precision)) : null,
    gemm: all(gemmRate(home, name, precision)?.flopsPerSecond),
  };
}
