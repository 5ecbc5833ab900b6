/** What can be done with all selected runs at once. */
import { Button, CloseButton, Group, Modal, Stack, TagsInput, Text } from '@mantine/core';
import { IconPlayerStop, IconScale, IconTag, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { href } from '../../app/route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { plural } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import classes from './Runs.module.css';
import type { RunRow } from './run-rows.ts';
import { allowedActions } from './run-view.ts';

const icon = { size: 16, 'aria-hidden': true } as const;

interface Props {
  rows: readonly RunRow[];
  /** All tags in use, to choose from. */
  tags: readonly string[];
  onClear: () => void;
}

export function BulkBar({ rows, tags, onClear }: Props) {
  const [asked, setAsked] = useState<'stop' | 'remove' | 'tags' | null>(null);
  const stopRun = useStore((s) => s.stopRun);
  const removeRun = useStore((s) => s.removeRun);
  const able = (action: 'stop' | 'remove') => rows.filter(({ run }) => allowedActions(run).has(action));
  const [stoppable, removable] = [able('stop'), able('remove')];
  const close = () => setAsked(null);
  return (
    <Group gap="xs" className={classes.bulk ?? ''} role="toolbar" aria-label="Selected runs">
      <CloseButton aria-label="Clear the selection" onClick={onClear} />
      <Text size="sm" fw={550} mr="auto">
        {plural(rows.length, 'run')} selected
      </Text>
      <Button
        size="xs"
        component="a"
        href={href('compare', { runs: rows.map(({ run }) => run.id).join(',') })}
        leftSection={<IconScale {...icon} />}
      >
        Compare
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTag {...icon} />}
        onClick={() => setAsked('tags')}
      >
        Tags…
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPlayerStop {...icon} />}
        disabled={stoppable.length === 0}
        onClick={() => setAsked('stop')}
      >
        Stop…
      </Button>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTrash {...icon} />}
        disabled={removable.length === 0}
        onClick={() => setAsked('remove')}
      >
        Remove…
      </Button>
      <ConfirmModal
        opened={asked === 'stop'}
        title={`Stop ${plural(stoppable.length, 'run')}?`}
        verb="Save and stop"
        onConfirm={async () => void (await Promise.all(stoppable.map(({ run }) => stopRun(run.id))))}
        onClose={close}
      >
        Each finishes its current step, saves a checkpoint and ends. You can resume it later from there.
        {stoppable.length < rows.length && ' Those of the selection that are not running stay as they are.'}
      </ConfirmModal>
      <ConfirmModal
        opened={asked === 'remove'}
        title={`Remove ${plural(removable.length, 'run')}?`}
        verb="Remove"
        onConfirm={async () => {
          await Promise.all(removable.map(({ run }) => removeRun(run.id)));
          onClear();
        }}
        onClose={close}
      >
        Everything in their folders is deleted: events, logs, samples, all checkpoints, and exports inside
        them. This cannot be undone.{removable.length < rows.length && ' Those that are running stay.'}
      </ConfirmModal>
      {asked === 'tags' && <TagsDialog rows={rows} known={tags} onClose={close} />}
    </Group>
  );
}

/** Tags that all selected runs have; what is added goes to all, what is taken away from all. */
function TagsDialog({
  rows,
  known,
  onClose,
}: {
  rows: readonly RunRow[];
  known: readonly string[];
  onClose: () => void;
}) {
  const [first, ...others] = rows.map((row) => row.tags);
  const before = (first ?? []).filter((tag) => others.every((tags) => tags.includes(tag)));
  const [tags, setTags] = useState<string[]>(before);
  const save = useStore((s) => s.setTags);
  const apply = async () => {
    const changed = rows.map((row) => {
      const kept = row.tags.filter((tag) => !before.includes(tag) || tags.includes(tag));
      return save(row.run.id, [...new Set([...kept, ...tags])]);
    });
    await Promise.all(changed);
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={`Tags of ${plural(rows.length, 'run')}`}>
      <Stack>
        <TagsInput
          label="Tags that all of them have"
          description="Enter adds one. Tags that only some have stay as they are."
          data={[...known]}
          value={tags}
          onChange={setTags}
          maxTags={20}
          data-autofocus
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button onClick={() => void apply()}>Save</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
