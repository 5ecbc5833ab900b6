import { AppShell, Box } from '@mantine/core';
import { lazy, Suspense, useEffect, useRef } from 'react';
import { useStore } from '../store/context.tsx';
import { ConnectionBanner } from './ConnectionBanner.tsx';
import { DropFiles } from './DropFiles.tsx';
import { Finder } from './Finder.tsx';
import { Navigation } from './Navigation.tsx';
import { Notices } from './Notices.tsx';
import { Pages } from './Pages.tsx';
import { pageKey } from './route.ts';
import classes from './Shell.module.css';
import { useRoute } from './use-route.ts';

const ImportDialogs = lazy(() => import('./ImportDialogs.tsx'));
const TrustDialog = lazy(() => import('./TrustDialog.tsx'));

/** Frame of the window: navigation at the left, the page, banners and notices. */
export function Shell() {
  const main = useRef<HTMLElement>(null);
  const route = useRoute();
  const place = pageKey(route);
  const first = useRef(true);
  // A new page starts at its top with the focus on it, so that keyboards and screen readers follow.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the place changes
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);

  return (
    <AppShell navbar={{ width: { base: 60, md: 208 }, breakpoint: 0 }} padding={{ base: 'md', sm: 'xl' }}>
      <button type="button" className={classes.skip} onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <AppShell.Navbar className={classes.navbar ?? ''}>
        <Navigation route={route} />
      </AppShell.Navbar>
      <AppShell.Main ref={main} tabIndex={-1} className={classes.main ?? ''}>
        <ConnectionBanner />
        <Box pb={48}>
          <Pages route={route} />
        </Box>
      </AppShell.Main>
      <Suspense>
        <ImportDialogs />
      </Suspense>
      <Asked />
      <Finder />
      <DropFiles />
      <Notices />
    </AppShell>
  );
}

/** Loaded with its first question. */
function Asked() {
  const asked = useStore((s) => s.trustQuestion !== null);
  const loaded = useRef(false);
  if (asked) loaded.current = true;
  return loaded.current ? (
    <Suspense>
      <TrustDialog />
    </Suspense>
  ) : null;
}
