/** What we use of it: Node's own type stripping as a package, as Node 20 has none and Electron is built without it. */
declare module 'amaro' {
  export function transformSync(source: string, options: { mode: 'strip-only' }): { code: string };
}
