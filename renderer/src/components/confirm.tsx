import { Button, Group, Modal, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';

interface Props {
  readonly opened: boolean;
  readonly title: string;
  readonly children: ReactNode;
  /** Label of the button that does it, a verb: "Remove". */
  readonly verb: string;
  readonly onConfirm: () => Promise<unknown> | undefined;
  readonly onClose: () => void;
}

/** Asks before something that cannot be undone. Closes when it is done. */
export function ConfirmModal({ opened, title, children, verb, onConfirm, onClose }: Props) {
  const [busy, setBusy] = useState(false);
  async function confirm() {
    setBusy(true);
    try {
      await onConfirm();
    } finally {
      setBusy(false);
      onClose();
    }
  }
  return (
    <Modal opened={opened} onClose={onClose} title={title}>
      <Text size="sm" component="div">
        {children}
      </Text>
      <Group justify="flex-end" mt="lg" gap="sm">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red.8" loading={busy} onClick={() => void confirm()}>
          {verb}
        </Button>
      </Group>
    </Modal>
  );
}
