/** What the page of a comparison needs, asked for while it is still being loaded and drawn. */
import type { Route } from '../../app/route.ts';
import { loadChartSettings } from '../../charts/chart-settings.ts';
import { askAhead } from '../../client/ask-ahead.ts';
import type { Client } from '../../client/client.ts';
import { chartChoices } from './charts-of.ts';
import { curvesQuestion, reportQuestion } from './questions.ts';
import { viewOfQuery } from './view-address.ts';

export async function askForComparison(client: Client, { parts, query }: Route): Promise<void> {
  const [, id] = parts;
  if (id === undefined && !query.get('runs')) return;
  const view = id === undefined ? viewOfQuery(query) : (await askAhead(client, 'compare.get', { id })).view;
  void askAhead(client, 'compare.report', reportQuestion(view, false));
  const report = await askAhead(client, 'compare.report', reportQuestion(view, true));
  const [first] = chartChoices(report);
  if (!first || query.get('tab')) return;
  const { x } = loadChartSettings(globalThis.localStorage);
  void askAhead(client, 'compare.curves', curvesQuestion(report.view, first, x, null));
}
