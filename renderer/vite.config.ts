import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

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
  },
  server: { host: '127.0.0.1', port: 5180, strictPort: true, fs: { allow: [here('..')] } },
});
