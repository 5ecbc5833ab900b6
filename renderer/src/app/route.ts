/**
 * Where the window is, in the part of the address behind `#`: `#/runs/<id>?tab=log`. It survives reloads, works under
 * any scheme, and the back button works.
 */
export interface Route {
  /** Decoded parts: ['runs', '<id>']. Empty: home. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {
    parts: path.split('/').filter(Boolean).map(decodeSafely),
    query: new URLSearchParams(query),
  };
}

function decodeSafely(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const OF_ONE: ReadonlySet<string> = new Set(['runs', 'datasets', 'compare', 'sweeps', 'studies']);

/** What counts as another page: each run, dataset, sweep and saved comparison is one; drawers and tabs are parts of their page. */
export function pageKey({ parts: [first = '', id = ''] }: Route): string {
  return OF_ONE.has(first) ? `${first}/${id}` : first;
}

/** `href('runs', id)` is `#/runs/<id>`; query values that are empty are left out. */
export function href(...parts: readonly (string | Record<string, string>)[]): string {
  const path = parts.filter((p): p is string => typeof p === 'string').map(encodeURIComponent);
  const query = new URLSearchParams();
  for (const part of parts) {
    if (typeof part === 'string') continue;
    for (const [key, value] of Object.entries(part)) if (value !== '') query.set(key, value);
  }
  const text = query.toString();
  return `#/${path.join('/')}${text ? `?${text}` : ''}`;
}

/** Goes to a place; `replace` leaves no entry in the history (tabs, filters). */
export function navigate(to: string, history: 'push' | 'replace' = 'push'): void {
  if (history === 'push') location.hash = to;
  else {
    window.history.replaceState(null, '', to);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  }
}
