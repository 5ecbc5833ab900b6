/** Renders pages in jsdom with the real theme and store, and a client without a host. */
import { MantineProvider } from '@mantine/core';
import { cleanup, configure, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, vi } from 'vitest';
import { cssVariables, theme } from '../../../renderer/src/app/theme.ts';
import { createMockClient, type MockOptions } from '../../../renderer/src/client/mock/mock-client.ts';
import { StoreProvider } from '../../../renderer/src/store/context.tsx';
import { createCollieStore } from '../../../renderer/src/store/store.ts';

// Looking through computed styles for hidden elements takes most of the time on a large page, and jsdom has no layout.
// The timeout is a limit for slow machines, not a wait.
configure({ defaultHidden: true, asyncUtilTimeout: 15_000 });
vi.setConfig({ testTimeout: 90_000 });

// What jsdom lacks and the component library asks for.
class NoObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= NoObserver as unknown as typeof ResizeObserver;
window.matchMedia ??= ((query: string) => ({
  matches: query.includes('reduced-motion'),
  media: query,
  addEventListener() {},
  removeEventListener() {},
})) as unknown as typeof window.matchMedia;
Element.prototype.scrollIntoView ??= () => {};
window.scrollTo = () => {};
Object.defineProperty(document, 'fonts', {
  configurable: true,
  value: { addEventListener() {}, removeEventListener() {} },
});

const ends: (() => void)[] = [];
afterEach(() => {
  cleanup();
  for (const end of ends.splice(0)) end();
  localStorage.clear();
  location.hash = '';
});

export function renderWithStore(element: ReactNode, options: MockOptions = {}) {
  const client = createMockClient(options);
  const handle = createCollieStore(client);
  ends.push(handle.connect());
  const view = render(
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} env="test">
      <StoreProvider handle={handle}>{element}</StoreProvider>
    </MantineProvider>,
  );
  return { ...view, client, state: () => handle.store.getState() };
}
