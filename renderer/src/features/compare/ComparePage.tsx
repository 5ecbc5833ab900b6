import type { Route } from '../../app/route.ts';
import { useRoute } from '../../app/use-route.ts';
import type { Client } from '../../client/client.ts';
import { askForComparison } from './ahead.ts';
import { ComparisonPage } from './ComparisonPage.tsx';
import { StartPage } from './StartPage.tsx';

/** Runs side by side. Without an address of runs or of a saved comparison, the choice of them. */
export default function ComparePage({ id }: { id: string | null }) {
  const { query } = useRoute();
  return id === null && !query.get('runs') ? <StartPage /> : <ComparisonPage key={id ?? ''} id={id} />;
}

/** Asked before the page is drawn. */
export const ahead = (client: Client, route: Route): Promise<void> => askForComparison(client, route);
