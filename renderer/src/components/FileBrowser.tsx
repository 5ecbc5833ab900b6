import { Button, Group, Modal, ScrollArea, Skeleton, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconArrowUp, IconFile, IconFolder } from '@tabler/icons-react';
import { useCallback, useEffect, useState } from 'react';
import type { MethodResult } from '../../../electron/shared/api/api.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import { useClient } from '../store/context.tsx';
import { asErrorInfo } from '../store/notices.ts';
import { ErrorView } from './ErrorView.tsx';
import classes from './FileBrowser.module.css';
import { formatBytes } from './format.ts';

type Listing = MethodResult<'files.list'>;

interface Props {
  readonly pick: 'file' | 'folder' | 'either';
  readonly extensions: readonly string[];
  readonly onPick: (path: string) => void;
  readonly onClose: () => void;
}

/** Lists folders of the host's machine, one at a time. Files of other kinds are not shown. */
export function FileBrowser({ pick, extensions, onPick, onClose }: Props) {
  const client = useClient();
  const [listing, setListing] = useState<Listing | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [selected, setSelected] = useState<string | null>(null);

  const open = useCallback(
    async (path: string) => {
      try {
        setListing(await client.call('files.list', { path }));
        setError(null);
        setSelected(null);
      } catch (thrown) {
        setError(asErrorInfo(thrown));
      }
    },
    [client],
  );
  useEffect(() => void open(''), [open]);

  const wanted = (name: string) =>
    extensions.length === 0 || extensions.some((ext) => name.toLowerCase().endsWith(`.${ext}`));
  const entries = (listing?.entries ?? []).filter(
    (entry) => entry.kind === 'folder' || (pick !== 'folder' && wanted(entry.name)),
  );
  const choice = selected ?? (pick === 'file' ? null : (listing?.path ?? null));

  return (
    <Modal opened onClose={onClose} title="Choose a path" size="lg">
      <Stack gap="sm">
        <Group gap="xs" wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconArrowUp size={14} aria-hidden />}
            disabled={!listing?.parent}
            onClick={() => listing?.parent && void open(listing.parent)}
          >
            Up
          </Button>
          <Text size="sm" ff="monospace" truncate title={listing?.path}>
            {listing?.path ?? ' '}
          </Text>
        </Group>
        {error && <ErrorView title="This folder could not be opened" info={error} />}
        <ScrollArea h={340} className={classes.list ?? ''} type="auto">
          {listing === null && !error && <Skeleton h={120} m="sm" />}
          {listing !== null && entries.length === 0 && (
            <Text c="dimmed" size="sm" p="md">
              Nothing here
              {extensions.length > 0 ? ` ends in ${extensions.map((e) => `.${e}`).join(', ')}` : ''}.
            </Text>
          )}
          {entries.map((entry) => (
            <UnstyledButton
              key={entry.path}
              className={classes.entry ?? ''}
              aria-pressed={entry.kind === 'file' ? selected === entry.path : undefined}
              onClick={() => (entry.kind === 'folder' ? void open(entry.path) : setSelected(entry.path))}
              onDoubleClick={() => entry.kind === 'file' && onPick(entry.path)}
            >
              {entry.kind === 'folder' ? (
                <IconFolder size={17} aria-label="Folder" />
              ) : (
                <IconFile size={17} aria-hidden />
              )}
              <span className={classes.name}>{entry.name}</span>
              {entry.kind === 'file' && (
                <Text size="xs" c="dimmed" span>
                  {formatBytes(entry.sizeBytes)}
                </Text>
              )}
            </UnstyledButton>
          ))}
        </ScrollArea>
        <Group justify="space-between" wrap="nowrap">
          <Text size="xs" c="dimmed" truncate>
            {choice ? `Chosen: ${choice}` : 'Choose a file.'}
          </Text>
          <Button
            disabled={choice === null}
            onClick={() => choice && onPick(choice)}
            style={{ flexShrink: 0 }}
          >
            {selected === null && pick !== 'file' ? 'Choose this folder' : 'Choose'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
