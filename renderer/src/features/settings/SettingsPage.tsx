import { Page } from '../../components/Page.tsx';
import { WebhookCard } from './WebhookCard.tsx';

/** What holds for all runs of this library. */
export default function SettingsPage() {
  return (
    <Page title="Settings" description="What holds for all runs of this library." width="reading">
      <WebhookCard />
    </Page>
  );
}
