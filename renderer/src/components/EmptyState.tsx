import { Stack, Text, ThemeIcon, Title } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface Props {
  readonly icon: Icon;
  readonly title: string;
  readonly text: ReactNode;
  readonly action?: ReactNode;
}

/** What a page shows when there is nothing yet: what belongs here and how to get it. */
export function EmptyState({ icon: Glyph, title, text, action }: Props) {
  return (
    <Stack align="center" gap="sm" py={64} px="md" ta="center">
      <ThemeIcon size={56} radius="xl" variant="light" aria-hidden>
        <Glyph size={28} stroke={1.5} />
      </ThemeIcon>
      <Title order={2}>{title}</Title>
      <Text c="dimmed" maw={480} component="div">
        {text}
      </Text>
      {action}
    </Stack>
  );
}
