import '@fontsource-variable/inter';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '@mantine/spotlight/styles.css';
import './app/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { config } from 'zod';
import { App } from './app/App.tsx';
import { preloadPage } from './app/Pages.tsx';
import { parseRoute } from './app/route.ts';
import { connectClient } from './client/connect.ts';
import { createCollieStore } from './store/store.ts';

// The page's policy forbids eval, which zod would otherwise try for speed.
config({ jitless: true });

const client = connectClient();
void preloadPage(parseRoute(location.hash), client);
const handle = createCollieStore(await client);
handle.connect();

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App handle={handle} />
  </StrictMode>,
);
