/** Load of the machine, once a second, only while somebody looks. */
import type { Telemetry } from '../../shared/api/entities.ts';
import { pause } from '../host/channel.ts';
import { native } from '../native/addon.ts';

const PERIOD_MS = 1_000;

/** `diskPath`: the free space of its file system is reported. Throws engine.not_built without the addon. */
export async function* watchTelemetry(diskPath: string, signal: AbortSignal): AsyncGenerator<Telemetry> {
  while (!signal.aborted) {
    yield native((addon) => addon.telemetry(diskPath));
    await pause(PERIOD_MS, signal);
  }
}
