import { Button, Card, Group, Skeleton, Stack, Text, TextInput, Title } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Settings } from '../../../../electron/shared/api/settings.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';

type Doing = 'save' | 'test' | 'off' | null;

/** The address that alarms are sent to: the same as `collie webhook`. */
export function WebhookCard() {
  const client = useClient();
  const [settings, setSettings] = useState<Settings | null>(null);
  const [unread, setUnread] = useState<ErrorInfo | null>(null);
  const [url, setUrl] = useState('');
  const [doing, setDoing] = useState<Doing>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [done, setDone] = useState('');

  useEffect(() => {
    const show = (found: Settings) => {
      setSettings(found);
      setUrl(found.webhook ?? '');
    };
    client
      .call('settings.get', {})
      .then(show)
      .catch((thrown) => setUnread(asErrorInfo(thrown)));
  }, [client]);

  const work = async (what: Exclude<Doing, null>, said: string, act: () => Promise<Settings | null>) => {
    setDoing(what);
    setRefusal(null);
    setDone('');
    try {
      const changed = await act();
      if (changed) setSettings(changed);
      if (changed) setUrl(changed.webhook ?? '');
      setDone(said);
    } catch (thrown) {
      const { message, hint } = asErrorInfo(thrown);
      setRefusal(`${message} ${hint}`.trim());
    }
    setDoing(null);
  };
  const set = (to: string | null) => () => client.call('settings.setWebhook', { url: to });
  const test = async () => {
    await client.call('settings.testWebhook', { url: url.trim() });
    return null;
  };

  if (unread) return <ErrorView info={unread} title="The settings could not be read" />;
  if (!settings) return <Skeleton h={220} role="status" aria-label="Loading the settings" />;
  const { webhook } = settings;
  return (
    <Card withBorder component="section" aria-labelledby="webhook-title">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void work('save', 'Alarms are sent there from now on.', set(url.trim()));
        }}
      >
        <Stack gap="sm">
          <Title order={2} size="h4" id="webhook-title">
            Alarms by webhook
          </Title>
          <Text size="sm" c="dimmed">
            Every alarm of a run is sent to this address as JSON (run, name, alarm). Nothing is sent without
            one.
          </Text>
          <TextInput
            label="Address"
            placeholder="https://example.org/hooks/collie"
            value={url}
            error={refusal}
            onChange={(event) => {
              setUrl(event.currentTarget.value);
              setRefusal(null);
              setDone('');
            }}
          />
          <Group gap="sm">
            <Button type="submit" loading={doing === 'save'} disabled={url.trim() === (webhook ?? '')}>
              Save
            </Button>
            <Button
              variant="default"
              loading={doing === 'test'}
              disabled={url.trim() === ''}
              onClick={() => void work('test', 'The test message was taken.', test)}
            >
              Send a test
            </Button>
            <Button
              variant="default"
              loading={doing === 'off'}
              disabled={webhook === null}
              onClick={() => void work('off', 'Alarms are sent nowhere now.', set(null))}
            >
              Off
            </Button>
          </Group>
          <Text size="sm" role="status" style={{ overflowWrap: 'anywhere' }}>
            {done || (webhook === null ? 'Alarms are sent nowhere.' : `Alarms are sent to ${webhook}.`)}
          </Text>
        </Stack>
      </form>
    </Card>
  );
}
