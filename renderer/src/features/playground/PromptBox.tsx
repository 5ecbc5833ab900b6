import { Button, Group, Text, Textarea } from '@mantine/core';
import { IconPlayerStopFilled, IconRefresh, IconSend, IconTrash } from '@tabler/icons-react';
import { type KeyboardEvent, useRef, useState } from 'react';

interface Props {
  busy: boolean;
  hasTurns: boolean;
  onSend: (prompt: string) => void;
  onStop: () => void;
  onRegenerate: () => void;
  onClear: () => void;
  placeholder?: string;
  /** Why nothing can be sent now; what is typed stays. */
  waitsFor?: string | null;
}

const icon = { size: 16, 'aria-hidden': true } as const;

/** The one box for all models. Enter sends, Shift+Enter starts a new line. */
export function PromptBox(props: Props) {
  const { busy, hasTurns, onSend, onStop, onRegenerate, onClear, placeholder = 'Ask every model' } = props;
  const { waitsFor = null } = props;
  const [text, setText] = useState('');
  const input = useRef<HTMLTextAreaElement>(null);
  const send = () => {
    if (busy || waitsFor !== null || text.trim() === '') return;
    onSend(text);
    setText('');
    input.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    // While a word is being composed (Chinese, Japanese ...), Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <div>
      <Textarea
        ref={input}
        aria-label="Prompt"
        placeholder={placeholder}
        autosize
        minRows={2}
        maxRows={10}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={key}
        data-autofocus
      />
      <Group justify="space-between" mt="xs" gap="sm">
        <Text size="xs" c="dimmed">
          {waitsFor ?? 'Enter sends, Shift+Enter starts a new line'}
        </Text>
        <Group gap="xs">
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconTrash {...icon} />}
            disabled={!hasTurns}
            onClick={onClear}
          >
            Clear
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh {...icon} />}
            disabled={!hasTurns || busy || waitsFor !== null}
            onClick={onRegenerate}
          >
            Regenerate
          </Button>
          {busy ? (
            <Button size="xs" color="red.8" leftSection={<IconPlayerStopFilled {...icon} />} onClick={onStop}>
              Stop
            </Button>
          ) : (
            <Button
              size="xs"
              leftSection={<IconSend {...icon} />}
              disabled={text.trim() === '' || waitsFor !== null}
              onClick={send}
            >
              Send
            </Button>
          )}
        </Group>
      </Group>
    </div>
  );
}
