import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { Fragment, useRef } from 'react';
import {
  canAllow,
  type TrustName,
  type TrustQuestion,
  trustKinds,
} from '../../../electron/shared/api/trust.ts';
import { useStore } from '../store/context.tsx';
import { trustItems } from './trust-items.tsx';

/** Shows what something is about to do that the user has not allowed yet, and asks. */
export default function TrustDialog() {
  const question = useStore((s) => s.trustQuestion);
  const answer = useStore((s) => s.answerTrust);
  // What was asked stays while the dialog goes.
  const last = useRef(question);
  if (question) last.current = question;
  const asked = last.current;
  if (!asked) return null;
  const { title, help, yes } = trustKinds[asked.kind];
  return (
    <Modal
      opened={question !== null}
      onClose={() => answer(false)}
      title={title}
      size={trustItems[asked.kind].size}
      closeButtonProps={{ 'aria-label': 'Close' }}
      // It may open over another dialog, and a page has one banner.
      attributes={{ header: { role: 'presentation' } }}
    >
      <Stack gap="md">
        <Text size="sm">{help}</Text>
        {items(asked)}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={() => answer(false)} data-autofocus>
            Cancel
          </Button>
          <Button disabled={!canAllow(asked)} onClick={() => answer(true)}>
            {yes}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const items = <K extends TrustName>({ kind, shown }: TrustQuestion<K>) =>
  shown.map((one) => <Fragment key={JSON.stringify(one)}>{trustItems[kind].draw(one)}</Fragment>);
