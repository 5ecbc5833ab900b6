/** Texts of an evaluated row: its messages by role, and what is expected. */
import { Text } from '@mantine/core';
import classes from './RowText.module.css';

interface Props {
  messages: readonly { role: string; content: string }[];
  expected: readonly string[];
}

export function RowText({ messages, expected }: Props) {
  return (
    <>
      {messages.map(({ role, content }, k) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages have no other name, and never move
        <Part key={k} title={role} text={content} />
      ))}
      <Part title="expected" text={expected.join('\n')} />
    </>
  );
}

function Part({ title, text }: { title: string; text: string }) {
  return (
    <div className={classes.card}>
      <Text size="xs" c="dimmed">
        {title}
      </Text>
      <div className={classes.text}>{text}</div>
    </div>
  );
}
