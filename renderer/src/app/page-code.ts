/** The pages by their addresses, and where their code is. Imports no package: asked for before anything else is there. */
import type { Client } from '../client/client.ts';
import { askForRun } from '../features/monitor/ahead.ts';
import type { Route } from './route.ts';

const pageCode = {
  home: () => import('../features/home/HomePage.tsx'),
  models: () => import('../features/models/ModelsPage.tsx'),
  datasets: () => import('../features/datasets/DatasetsPage.tsx'),
  dataset: () => import('../features/datasets/DatasetPage.tsx'),
  compose: () => import('../features/compose/ComposePage.tsx'),
  queue: () => import('../features/queue/QueuePage.tsx'),
  sweeps: () => import('../features/sweeps/SweepsPage.tsx'),
  studies: () => import('../features/studies/StudiesPage.tsx'),
  runs: () => import('../features/runs/RunsPage.tsx'),
  run: () => import('../features/monitor/MonitorPage.tsx'),
  compare: () => import('../features/compare/ComparePage.tsx'),
  playground: () => import('../features/playground/PlaygroundPage.tsx'),
  devices: () => import('../features/devices/DevicesPage.tsx'),
  settings: () => import('../features/settings/SettingsPage.tsx'),
} as const;
export type PageName = keyof typeof pageCode;
export const pageNames = Object.keys(pageCode) as PageName[];
type CodeOf<N extends PageName> = Awaited<ReturnType<(typeof pageCode)[N]>>;

/** First parts of addresses that are not the names of their pages; `one`: with an id behind it. */
const others: Partial<Record<string, { all: PageName; one: PageName }>> = {
  '': { all: 'home', one: 'home' },
  datasets: { all: 'datasets', one: 'dataset' },
  runs: { all: 'runs', one: 'run' },
};
/** No addresses. */
const inner: ReadonlySet<string> = new Set<PageName>(['home', 'dataset', 'run']);

/** null: there is no such page. */
export function pageName({ parts: [first = '', id] }: Route): PageName | null {
  const other = Object.hasOwn(others, first) ? others[first] : undefined;
  if (other) return id === undefined ? other.all : other.one;
  return Object.hasOwn(pageCode, first) && !inner.has(first) ? (first as PageName) : null;
}

const loaded: { [N in PageName]?: CodeOf<N> } = {};

/** The code of a page, where it is there already. */
export const loadedCode = <N extends PageName>(name: N): CodeOf<N> | undefined => loaded[name];

export async function loadCode<N extends PageName>(name: N): Promise<CodeOf<N>> {
  const code = (await pageCode[name]()) as CodeOf<N>;
  loaded[name] = code as (typeof loaded)[N];
  return code;
}

/** What is asked of the host before the code of a page is there. */
const questions: Partial<Record<PageName, (client: Client, route: Route) => void>> = { run: askForRun };

/** A page whose questions need its code asks them before it is drawn. */
interface Ahead {
  ahead?: (client: Client, route: Route) => Promise<void>;
}

/** Resolves when the code of a page is there. Its questions are asked as early as they can be. */
export async function preloadPage(route: Route, client: Promise<Client>): Promise<void> {
  const name = pageName(route);
  if (name === null) return;
  try {
    const code = loadCode(name);
    questions[name]?.(await client, route);
    const { ahead } = (await code) as Ahead;
    ahead?.(await client, route).catch(() => {});
  } catch {
    // What fails here fails again where it is drawn, and is shown there.
  }
}
