/** Handlers of system information and of the path picker. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodResult } from '../../shared/api/api.ts';
import type { Device } from '../../shared/api/entities.ts';
import { type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import { installRoot, native, rankExecutable } from '../native/addon.ts';
import { requireRank } from '../rank/rank.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function systemHandlers(services: Services): AreaHandlers<'system'> & AreaHandlers<'files'> {
  return {
    'system.info': () => systemInfo(services),
    'files.list': ({ path }) => services.files.list(path),
  };
}

function systemInfo({ home, shell }: Services): MethodResult<'system.info'> {
  const { devices, problem } = probe();
  const path = rankExecutable();
  const engine = { built: existsSync(path) && problem === null, path, problem };
  return {
    version: productVersion(),
    home,
    platform: `${process.platform}-${process.arch}`,
    shell,
    engine,
    devices,
  };
}

/** What is built of the native parts; a missing part is told, it does not hide the rest. */
function probe(): { devices: Device[]; problem: ErrorInfo | null } {
  try {
    const devices = native((addon) => addon.devices());
    requireRank();
    return { devices, problem: null };
  } catch (thrown) {
    return { devices: [], problem: toErrorInfo(thrown) };
  }
}

export function productVersion(): string {
  return (JSON.parse(readFileSync(join(installRoot(), 'package.json'), 'utf8')) as { version: string })
    .version;
}
