/** Everything a host is made of, built once. Handlers get this and nothing else. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CompareService } from '../compare/service.ts';
import { defaultRoots, expandHome, FileBrowser, requirePath } from '../files/files.ts';
import { JobRunner } from '../jobs/jobs.ts';
import { Playground } from '../playground/playground.ts';
import { QueueService } from '../queue/service.ts';
import { seriesFolder } from '../runs/kept-series.ts';
import { ReadAhead } from '../runs/read-ahead.ts';
import { RunRegistry } from '../runs/registry.ts';
import { SeriesCache } from '../runs/series-file.ts';
import { RunSummaries } from '../runs/summaries.ts';
import { StatusWatcher } from '../runs/watch.ts';
import { sweepLibrary } from './sweep.ts';
import { createLibraries, type Libraries } from './wire.ts';

export type Shell = 'electron' | 'browser';

/**
 * confined: a page in a browser names paths, so it reaches only the folders of FileBrowser. any: paths come from the
 * system's dialogs or from a command line, whose user may open what he may open.
 */
export type PathAccess = 'confined' | 'any';

export interface HostOptions {
  /** COLLIE_HOME. Created, 0700, when it does not exist; its mode is its owner's to choose otherwise. */
  home: string;
  shell: Shell;
  paths: PathAccess;
}

export interface Services extends Readonly<Libraries> {
  readonly home: string;
  readonly shell: Shell;
  readonly jobs: JobRunner;
  readonly runs: RunRegistry;
  readonly statuses: StatusWatcher;
  readonly summaries: RunSummaries;
  readonly series: SeriesCache;
  readonly readAhead: ReadAhead;
  readonly queue: QueueService;
  readonly compare: CompareService;
  readonly playground: Playground;
  readonly files: FileBrowser;
  /** The real path of what a client named; throws path.outside where a page may not reach. */
  readonly confine: (path: string) => Promise<string>;
}

export function createServices(options: HostOptions): Services {
  const home = resolve(options.home);
  // A new one is private; one that is there keeps its mode: a group may share it.
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const runs = new RunRegistry(home);
  sweepLibrary(home, runs).catch(() => {}); // What cannot be removed now is tried again at the next start.
  const files = new FileBrowser([...defaultRoots(), home]);
  const summaries = new RunSummaries(runs);
  const series = new SeriesCache(undefined, seriesFolder(home));
  const readAhead = new ReadAhead(runs, seriesFolder(home));
  readAhead.start();
  const queue = new QueueService(home, runs);
  setImmediate(() => queue.wake());
  const libraries = createLibraries(home);
  return {
    home,
    shell: options.shell,
    jobs: new JobRunner(),
    runs,
    statuses: new StatusWatcher(runs),
    summaries,
    series,
    readAhead,
    queue,
    compare: new CompareService(home, {
      runs,
      summaries,
      series,
      openDataset: (reference) => libraries.datasets.library.resolve(reference),
    }),
    playground: new Playground(),
    files,
    ...libraries,
    confine: async (path) => {
      requirePath(path);
      return options.paths === 'confined' ? files.confine(path) : resolve(expandHome(path));
    },
  };
}

/** $COLLIE_HOME, or ~/.collie. */
export function defaultHome(): string {
  const wish = process.env.COLLIE_HOME;
  return wish ? resolve(expandHome(wish)) : join(homedir(), '.collie');
}
