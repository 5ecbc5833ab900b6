import { Alert, Anchor, Center, Loader } from '@mantine/core';
import { IconMapPinOff } from '@tabler/icons-react';
import { Component, type ComponentType, lazy, type ReactNode, Suspense, useState } from 'react';
import { toErrorInfo } from '../../../electron/shared/errors.ts';
import { EmptyState } from '../components/EmptyState.tsx';
import { ErrorView } from '../components/ErrorView.tsx';
import { Page } from '../components/Page.tsx';
import { loadCode, loadedCode, type PageName, pageName, pageNames } from './page-code.ts';
import { pageKey, type Route } from './route.ts';

/** A page takes what it needs of its address; pages of one thing are chosen by its id, so that they have it. */
type Drawn = ComponentType<{ id: string | null; part: string | null }>;
interface Code {
  default: Drawn;
}

const waitedFor = new Map<PageName, Drawn>(
  pageNames.map((name) => [name, lazy(async () => (await loadCode(name)) as unknown as Code)]),
);

/** Drawn at once where its code is there, else when it is. What it began with it stays. */
function PageOf({ name, id, part }: { name: PageName; id: string | null; part: string | null }) {
  const [Page] = useState(
    () => (loadedCode(name) as unknown as Code | undefined)?.default ?? waitedFor.get(name),
  );
  return Page && <Page id={id} part={part} />;
}

function page(route: Route): ReactNode {
  const name = pageName(route);
  const [, id = null, part = null] = route.parts;
  if (name !== null) return <PageOf name={name} id={id} part={part} />;
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
