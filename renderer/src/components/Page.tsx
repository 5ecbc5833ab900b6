import { Anchor, Box, Group, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

interface Props {
  readonly title: string;
  readonly description?: ReactNode;
  /** The page above, e.g. {label: 'Datasets', href: '#/datasets'}. */
  readonly back?: { readonly label: string; readonly href: string };
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** Pages of text and forms read better with a limit; tables and charts take all there is. */
  readonly width?: 'full' | 'reading';
}

/** Frame of every page: heading, actions, content. Also names the document. */
export function Page({ title, description, back, actions, children, width = 'full' }: Props) {
  useEffect(() => {
    document.title = `${title} – Collie Workbench`;
  }, [title]);
  return (
    <Box maw={width === 'reading' ? 960 : 1760} mx="auto">
      {back && (
        <Anchor href={back.href} size="sm" c="dimmed">
          ← {back.label}
        </Anchor>
      )}
      <Group justify="space-between" align="flex-start" mb="lg" gap="md">
        <div style={{ minWidth: 0, flex: '1 1 300px' }}>
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {description && (
            <Text c="dimmed" size="sm" mt={2} component="div">
              {description}
            </Text>
          )}
        </div>
        {actions && (
          <Group gap="sm" style={{ flex: '0 1 auto' }}>
            {actions}
          </Group>
        )}
      </Group>
      {children}
    </Box>
  );
}
