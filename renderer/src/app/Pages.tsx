import { Alert, Anchor, Center, Loader } from '@mantine/core';
import { IconMapPinOff } from '@tabler/icons-react';
import { Component, type ComponentType, isValidElement, lazy, type ReactNode, Suspense } from 'react';
import { toErrorInfo } from '../../../electron/shared/errors.ts';
import type { Client } from '../client/client.ts';
import { EmptyState } from '../components/EmptyState.tsx';
import { ErrorView } from '../components/ErrorView.tsx';
import { Page } from '../components/Page.tsx';
import { askForRun } from '../features/monitor/ahead.ts';
import { pageKey, type Route } from './route.ts';

/** What is asked of the host before the code of a page is there, by the first part of its address. */
const questions: Readonly<Record<string, (client: Client, route: Route) => void>> = { runs: askForRun };

/** A page whose questions need its code asks them before it is drawn. */
interface Ahead {
  ahead?: (client: Client, route: Route) => Promise<void>;
}

/** Chunks that can be asked for before they are drawn. */
const loaders = new Map<unknown, () => Promise<Ahead>>();

function chunk<P extends object>(load: () => Promise<Ahead & { default: ComponentType<P> }>) {
  const page = lazy(load);
  loaders.set(page, load);
  return page;
}

const HomePage = chunk(() => import('../features/home/HomePage.tsx'));
const ModelsPage = chunk(() => import('../features/models/ModelsPage.tsx'));
const DatasetsPage = chunk(() => import('../features/datasets/DatasetsPage.tsx'));
const DatasetPage = chunk(() => import('../features/datasets/DatasetPage.tsx'));
const ComposePage = chunk(() => import('../features/compose/ComposePage.tsx'));
const QueuePage = chunk(() => import('../features/queue/QueuePage.tsx'));
const SweepsPage = chunk(() => import('../features/sweeps/SweepsPage.tsx'));
const StudiesPage = chunk(() => import('../features/studies/StudiesPage.tsx'));
const RunsPage = chunk(() => import('../features/runs/RunsPage.tsx'));
const MonitorPage = chunk(() => import('../features/monitor/MonitorPage.tsx'));
const ComparePage = chunk(() => import('../features/compare/ComparePage.tsx'));
const PlaygroundPage = chunk(() => import('../features/playground/PlaygroundPage.tsx'));
const DevicesPage = chunk(() => import('../features/devices/DevicesPage.tsx'));

function page({ parts: [first, id, part] }: Route): ReactNode {
  switch (first) {
    case undefined:
      return <HomePage />;
    case 'models':
      return <ModelsPage id={id ?? null} />;
    case 'datasets':
      return id ? <DatasetPage key={id} id={id} /> : <DatasetsPage />;
    case 'compose':
      return <ComposePage />;
    case 'queue':
      return <QueuePage />;
    case 'sweeps':
      return <SweepsPage id={id ?? null} part={part ?? null} />;
    case 'studies':
      return <StudiesPage id={id ?? null} />;
    case 'runs':
      return id ? <MonitorPage key={id} id={id} /> : <RunsPage />;
    case 'compare':
      return <ComparePage id={id ?? null} />;
    case 'playground':
      return <PlaygroundPage />;
    case 'devices':
      return <DevicesPage />;
    default:
      return (
        <Page title="There is no such page">
          <EmptyState
            icon={IconMapPinOff}
            title="Nothing is here"
            text="The address does not belong to any part of the workbench."
            action={<Anchor href="#/">Go to the start</Anchor>}
          />
        </Page>
      );
  }
}

/** Loads the code of a page, and has it ask for its data, while something else is still awaited. */
export async function preloadPage(route: Route, client: Promise<Client>): Promise<void> {
  const element = page(route);
  const load = isValidElement(element) ? loaders.get(element.type) : undefined;
  try {
    const code = load?.();
    const [first = ''] = route.parts;
    questions[first]?.(await client, route);
    await (await code)?.ahead?.(await client, route);
  } catch {
    // What fails here fails again where it is drawn, and is shown there.
  }
}

export function Pages({ route }: { route: Route }) {
  return (
    <Boundary key={pageKey(route)}>
      <Suspense fallback={<Waiting />}>{page(route)}</Suspense>
    </Boundary>
  );
}

const Waiting = () => (
  <Center h="50vh" role="status" aria-label="Loading the page">
    <Loader size="sm" />
  </Center>
);

/** A fault while drawing one page leaves the rest of the window usable. */
class Boundary extends Component<{ children: ReactNode }, { thrown: unknown; failed: boolean }> {
  override state = { thrown: null, failed: false };

  static getDerivedStateFromError(thrown: unknown) {
    return { thrown, failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Alert variant="transparent" p={0}>
        <ErrorView
          title="This page could not be shown"
          info={toErrorInfo(this.state.thrown)}
          onRetry={() => this.setState({ thrown: null, failed: false })}
        />
      </Alert>
    );
  }
}
