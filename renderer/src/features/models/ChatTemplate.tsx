import { Button, Code, Group, Stack, Text, Textarea } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ChatTemplateInfo } from '../../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { useStore } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';

interface Props {
  readonly id: string;
}

function origin({ place, edited }: ChatTemplateInfo): string {
  if (edited) return 'Written here, in place of what the model brings. Runs started from now on use it.';
  if (place === 'plain') return 'The model brings none, as base models do. This plain one is used.';
  return place.startsWith('built in')
    ? `The model brings none. This one is ${place}, after the prompts of its own code.`
    : `From ${place} of the model.`;
}

/** How the model writes conversations: read, tried on an example, and changed. */
export function ChatTemplate({ id }: Props) {
  const templateOf = useStore((s) => s.templateOf);
  const setTemplate = useStore((s) => s.setTemplate);
  const [info, setInfo] = useState<ChatTemplateInfo | null>(null);
  const [draft, setDraft] = useState('');
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [busy, setBusy] = useState(true);

  const show = (asked: Promise<ChatTemplateInfo>, current: () => boolean = () => true) => {
    setBusy(true);
    setError(null);
    asked
      .then((got) => {
        if (!current()) return;
        setInfo(got);
        setDraft(got.text);
      })
      .catch((thrown) => current() && setError(asErrorInfo(thrown)))
      .finally(() => current() && setBusy(false));
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again for another model only
  useEffect(() => {
    let here = true;
    show(templateOf(id), () => here);
    return () => {
      here = false;
    };
  }, [id]);

  return (
    <Stack gap="xs">
      <Textarea
        label="Chat template"
        description={info ? origin(info) : 'Reading it'}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        disabled={info === null}
        autosize
        minRows={3}
        maxRows={12}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
      />
      {error && <ErrorView title="This template cannot be used" info={error} />}
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          loading={busy}
          disabled={info === null || draft === info.text || draft.trim() === ''}
          onClick={() => show(setTemplate(id, draft))}
        >
          Use this template
        </Button>
        {info?.edited && (
          <Button variant="subtle" size="xs" disabled={busy} onClick={() => show(setTemplate(id, null))}>
            Back to the model's own
          </Button>
        )}
      </Group>
      {info && (
        <div>
          <Text size="xs" c="dimmed">
            {info.problem ?? 'A short conversation, up to where the model answers'}
          </Text>
          {info.problem === null && (
            <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {info.example}
            </Code>
          )}
        </div>
      )}
    </Stack>
  );
}
