/** The page under its own address `app://collie/`: files of the built page and nothing else, with our policy on each. */
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { contentSecurityPolicy } from '../transport/headers.ts';

export const PAGE_SCHEME = 'app';
export const PAGE_ORIGIN = `${PAGE_SCHEME}://collie`;

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

export const isOurPage = (url: string): boolean => url === PAGE_ORIGIN || url.startsWith(`${PAGE_ORIGIN}/`);

/** Answers one request for a file of `pageDir`. Unknown paths get index.html, as the page routes them itself. */
export async function answerPage(pageDir: string, url: string): Promise<Response> {
  const headers = {
    'Content-Security-Policy': contentSecurityPolicy([]),
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-cache',
  };
  if (!isOurPage(url)) return new Response('Not found.', { status: 404, headers });
  const { pathname } = new URL(url);
  const file = (await fileInside(pageDir, pathname)) ?? (await fileInside(pageDir, '/index.html'));
  if (file === null) {
    const text = 'The page is not built. Run `npm run build:renderer`, then start again.';
    return new Response(text, { status: 404, headers });
  }
  const type = types[extname(file.path)] ?? 'application/octet-stream';
  return new Response(new Uint8Array(file.bytes), { headers: { ...headers, 'Content-Type': type } });
}

async function fileInside(root: string, pathname: string): Promise<{ path: string; bytes: Buffer } | null> {
  try {
    const base = await realpath(root);
    const path = await realpath(join(base, decodeURIComponent(pathname)));
    if (!path.startsWith(base + sep)) return null;
    return { path, bytes: await readFile(path) };
  } catch {
    return null; // No such file, a folder, or a path that is none.
  }
}
