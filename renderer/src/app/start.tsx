import '@fontsource-variable/inter';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { config } from 'zod';
import type { Client } from '../client/client.ts';
import { createCollieStore } from '../store/store.ts';
import { App } from './App.tsx';

// The page's policy forbids eval, which zod would otherwise try for speed.
config({ jitless: true });

/** Draws the window. */
export function start(client: Client): void {
  const handle = createCollieStore(client);
  handle.connect();
  const root = document.getElementById('root');
  if (!root) throw new Error('index.html has no #root');
  createRoot(root).render(
    <StrictMode>
      <App handle={handle} />
    </StrictMode>,
  );
}
