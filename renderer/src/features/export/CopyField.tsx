import { ActionIcon, Code, CopyButton, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { Hint } from '../../components/Hint.tsx';

/** A text to take along: shown whole, copied with one press. */
export function CopyField({ label, text, block = false }: { label: string; text: string; block?: boolean }) {
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code
        block={block}
        style={{ flex: 1, minWidth: 0, overflowWrap: 'anywhere', whiteSpace: block ? 'pre-wrap' : 'normal' }}
      >
        {text}
      </Code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Hint label={copied ? 'Copied' : 'Copy'}>
            <ActionIcon
              variant="default"
              aria-label={copied ? `${label}: copied` : `Copy ${label}`}
              onClick={copy}
            >
              {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            </ActionIcon>
          </Hint>
        )}
      </CopyButton>
    </Group>
  );
}
