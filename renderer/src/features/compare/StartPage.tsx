/** Saved comparisons, and the way to a new one. */
import { ActionIcon, Anchor, Button, Group, Stack, Table, Text, VisuallyHidden } from '@mantine/core';
import { IconScale, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { SavedComparison } from '../../../../electron/shared/runs/comparison.ts';
import { href, navigate } from '../../app/route.ts';
import { ConfirmModal } from '../../components/confirm.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatAgo, plural } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { useClient, useStore } from '../../store/context.tsx';
import { RunPicker } from './RunPicker.tsx';
import { useAnswer } from './use-answer.ts';

export function StartPage() {
  const saved = useAnswer('compare.list', {});
  const [chosen, setChosen] = useState<string[]>([]);
  const runs = useStore((s) => s.runs);
  const none = runs !== null && Object.keys(runs).length === 0;
  return (
    <Page
      title="Compare"
      description="What differed, which is better, whether that is real, and what to try next"
    >
      {none && !saved.data?.length ? (
        <EmptyState
          icon={IconScale}
          title="Nothing to compare yet"
          text="Train two runs that differ in something, and see here what it changed."
          action={
            <Button component="a" href="#/compose">
              New run
            </Button>
          }
        />
      ) : (
        <Stack gap="xl" maw={900}>
          <section aria-label="New comparison">
            <Text fw={600} mb="xs">
              Choose runs
            </Text>
            <Group align="flex-start" gap="sm">
              <RunPicker chosen={chosen} onChange={setChosen} />
              <Button
                disabled={chosen.length === 0}
                onClick={() => navigate(href('compare', { runs: chosen.join(',') }))}
              >
                Compare {chosen.length > 0 ? plural(chosen.length, 'run') : ''}
              </Button>
            </Group>
            <Text size="xs" c="dimmed" mt={6}>
              Or mark any number of them under{' '}
              <Anchor href="#/runs" underline="always">
                Runs
              </Anchor>{' '}
              and press Compare.
            </Text>
          </section>
          {saved.error && (
            <ErrorView
              info={saved.error}
              title="The saved comparisons could not be listed"
              onRetry={saved.again}
            />
          )}
          {saved.data && saved.data.length > 0 && <SavedList saved={saved.data} onChange={saved.again} />}
        </Stack>
      )}
    </Page>
  );
}

function SavedList({ saved, onChange }: { saved: readonly SavedComparison[]; onChange: () => void }) {
  const [removing, setRemoving] = useState<SavedComparison | null>(null);
  const client = useClient();
  const report = useStore((s) => s.report);
  const remove = async () => {
    if (!removing) return;
    await client
      .call('compare.remove', { id: removing.id })
      .catch((thrown) => report('The comparison could not be removed', thrown));
    onChange();
  };
  return (
    <section aria-label="Saved comparisons">
      <Text fw={600} mb="xs">
        Saved
      </Text>
      <Table verticalSpacing="xs" aria-label="Saved comparisons">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th>Runs</Table.Th>
            <Table.Th>Changed</Table.Th>
            <Table.Th>
              <VisuallyHidden>Actions</VisuallyHidden>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {saved.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td>
                <Anchor href={href('compare', one.id)} size="sm" fw={550}>
                  {one.name}
                </Anchor>
              </Table.Td>
              <Table.Td>{one.view.runs.length}</Table.Td>
              <Table.Td>{formatAgo(one.updatedAt)}</Table.Td>
              <Table.Td>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Remove ${one.name}`}
                  onClick={() => setRemoving(one)}
                >
                  <IconTrash size={16} aria-hidden />
                </ActionIcon>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <ConfirmModal
        opened={removing !== null}
        title="Remove this comparison?"
        verb="Remove"
        onConfirm={remove}
        onClose={() => setRemoving(null)}
      >
        "{removing?.name}" is forgotten. Its runs stay.
      </ConfirmModal>
    </section>
  );
}
