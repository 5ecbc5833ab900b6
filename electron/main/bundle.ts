/** Where a packaged app keeps its native parts, as environment for itself and for every process it starts. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The variable that adds folders to the search for shared libraries. */
const libraryPath: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'LD_LIBRARY_PATH',
  darwin: 'DYLD_LIBRARY_PATH',
  win32: 'PATH',
};

/** Variables to set when `<resources>/native` is there; none in development. What the user has set himself stays. */
export function bundledEngine(
  resources: string,
  platform: NodeJS.Platform,
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const native = join(resources, 'native');
  if (!existsSync(native)) return {};
  const name = libraryPath[platform];
  const paths = name ? { [name]: [join(native, 'lib'), env[name]].filter(Boolean).join(delimiter) } : {};
  return env.COLLIE_BUILD_DIR ? paths : { ...paths, COLLIE_BUILD_DIR: native };
}
