import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What renderer/src/main.ts imports: no package, so that it runs before they are there. tests/layers.test.ts holds both. */
export const firstCode =
  /renderer\/src\/(main|app\/(route|page-code)|client\/(client|connect|websocket|electron-ipc|exchange|ask-ahead)|features\/monitor\/ahead)\.ts$|electron\/shared\/(errors|runs\/event-streams|api\/(bridge|bytes|reply))\.ts$/;

const inNodeModules = (names: string) => new RegExp(`node_modules/(?:${names})/`);

export default defineConfig({
  root: here('.'),
  // Relative, so that the same files load from http:// (collie serve) and from the app's own scheme (Electron).
  base: './',
  plugins: [react()],
  css: { postcss: here('.') },
  build: {
    outDir: here('../dist/renderer'),
    emptyOutDir: true,
    target: 'chrome120',
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        // Few files: each costs a request, and a page made of forty of them waits for forty. What draws axes is loaded with the first chart.
        codeSplitting: {
          groups: [
            {
              name: 'first',
              test: (id) => firstCode.test(id) || id.includes('vite/preload-helper'),
              priority: 2,
            },
            {
              name: 'vendor',
              test: inNodeModules('react|react-dom|scheduler|zustand|zod|@mantine|@floating-ui|@tabler'),
            },
            { name: 'common', test: /renderer\/src\/(app|client|components|store)\/|electron\/shared\// },
          ],
        },
      },
    },
  },
  server: { host: '127.0.0.1', port: 5180, strictPort: true, fs: { allow: [here('..')] } },
});
