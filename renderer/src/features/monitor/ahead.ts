/** What the page of a run needs, asked for before its code is there: its curves may be long. */
import type { Route } from '../../app/route.ts';
import { askAhead } from '../../client/ask-ahead.ts';
import type { Client } from '../../client/client.ts';

export function askForRun(client: Client, { parts: [, id] }: Route): void {
  if (!id) return;
  void askAhead(client, 'runs.get', { id });
  void askAhead(client, 'runs.series', { id });
}
