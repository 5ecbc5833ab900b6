import { Alert, Anchor, Center, Loader } from '@mantine/core';
import { IconMapPinOff } from '@tabler/icons-react';
import { Component, lazy, type ReactNode, Suspense } from 'react';
import { toErrorInfo } from '../../../electron/shared/errors.ts';
import { EmptyState } from '../components/EmptyState.tsx';
import { ErrorView } from '../components/ErrorView.tsx';
import { Page } from '../components/Page.tsx';
import { pageKey, type Route } from './route.ts';

const HomePage = lazy(() => import('../features/home/HomePage.tsx'));
const ModelsPage = lazy(() => import('../features/models/ModelsPage.tsx'));
const DatasetsPage = lazy(() => import('../features/datasets/DatasetsPage.tsx'));
const DatasetPage = lazy(() => import('../features/datasets/DatasetPage.tsx'));
const ComposePage = lazy(() => import('../features/compose/ComposePage.tsx'));
const RunsPage = lazy(() => import('../features/runs/RunsPage.tsx'));
const MonitorPage = lazy(() => import('../features/monitor/MonitorPage.tsx'));
const ComparePage = lazy(() => import('../features/compare/ComparePage.tsx'));
const PlaygroundPage = lazy(() => import('../features/playground/PlaygroundPage.tsx'));
const DevicesPage = lazy(() => import('../features/devices/DevicesPage.tsx'));

function page({ parts: [first, id] }: Route): ReactNode {
  switch (first) {
    case undefined:
      return <HomePage />;
    case 'models':
      return <ModelsPage id={id ?? null} />;
    case 'datasets':
      return id ? <DatasetPage key={id} id={id} /> : <DatasetsPage />;
    case 'compose':
      return <ComposePage />;
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
