/** A window for component tests: jsdom with the few measurements it lacks, and the store over a mock client. */
import { MantineProvider } from '@mantine/core';
import { cleanup, configure, render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, vi } from 'vitest';
import {
  createMockClient,
  type MockClient,
  type MockOptions,
} from '../../../renderer/src/client/mock/mock-client.ts';
import { StoreProvider } from '../../../renderer/src/store/context.tsx';
import { createCollieStore, type StoreHandle } from '../../../renderer/src/store/store.ts';

// Whether each element is visible costs jsdom more than all the rest; these tests ask for what is there.
configure({ defaultHidden: true, asyncUtilTimeout: 15_000 });
// Charts in jsdom take seconds where other work keeps the machine busy.
vi.setConfig({ testTimeout: 60_000 });

const WIDTH = 800;
const HEIGHT = 400;

/** Every element measures 800 x 400, and says so at once. */
class FixedResizeObserver implements ResizeObserver {
  readonly #callback: ResizeObserverCallback;
  constructor(callback: ResizeObserverCallback) {
    this.#callback = callback;
  }
  observe(target: Element): void {
    const contentRect = { width: WIDTH, height: HEIGHT, x: 0, y: 0 } as DOMRectReadOnly;
    const size = [{ inlineSize: WIDTH, blockSize: HEIGHT }];
    const entry = { target, contentRect, borderBoxSize: size, contentBoxSize: size };
    queueMicrotask(() => this.#callback([entry as unknown as ResizeObserverEntry], this));
  }
  unobserve(): void {}
  disconnect(): void {}
}

vi.stubGlobal('ResizeObserver', FixedResizeObserver);
vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
Object.defineProperty(document, 'fonts', { value: new EventTarget() });
Object.defineProperties(HTMLElement.prototype, {
  offsetWidth: { get: () => WIDTH },
  offsetHeight: { get: () => HEIGHT },
  clientWidth: { get: () => WIDTH },
  clientHeight: { get: () => HEIGHT },
});
HTMLElement.prototype.scrollTo = () => {};
Element.prototype.scrollIntoView = () => {};

const open: (() => void)[] = [];
afterEach(() => {
  cleanup();
  for (const end of open.splice(0)) end();
  localStorage.clear();
  location.hash = '';
});

export interface TestWindow {
  client: MockClient;
  handle: StoreHandle;
}

/** Renders a page over the mock client, with some of its answers replaced. */
export function openWindow(page: ReactNode, options: MockOptions = {}): TestWindow {
  const client = createMockClient(options);
  const handle = createCollieStore(client);
  open.push(handle.connect());
  render(
    <MantineProvider env="test">
      <StoreProvider handle={handle}>{page}</StoreProvider>
    </MantineProvider>,
  );
  return { client, handle };
}
