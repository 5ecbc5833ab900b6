import { Alert, Badge, Button, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { mappingSchema } from '../../../../electron/shared/spec/run-spec.ts';
import { specFields, variantDefaults } from '../../../../electron/shared/spec/spec-fields.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { useStore } from '../../store/context.tsx';
import { sameValue } from '../../store/draft.ts';
import { asErrorInfo } from '../../store/notices.ts';
import { conversation } from './conversation.ts';
import { MAPPING_KIND, MappingFields } from './MappingFields.tsx';

/** Edits which columns hold what, with the first row as the conversation that follows from it. */
export function ColumnsTab({ dataset }: { dataset: DatasetCard }) {
  const save = useStore((s) => s.setMapping);
  const announce = useStore((s) => s.announce);
  const [mapping, setMapping] = useState<Record<string, unknown>>(
    () => dataset.mapping ?? variantDefaults(MAPPING_KIND, 'prompt_answer'),
  );
  const [error, setError] = useState<ErrorInfo | null>(null);
  const [busy, setBusy] = useState(false);
  const parsed = mappingSchema.safeParse(mapping);
  const changed = !sameValue(mapping, dataset.mapping);
  const missing = specFields().filter(
    (f) => f.required && f.when?.path === MAPPING_KIND && f.when.equals === mapping.kind && !mapping[f.key],
  );

  async function submit() {
    if (!parsed.success) return;
    setBusy(true);
    try {
      await save(dataset.id, parsed.data);
      announce('success', 'Columns saved', `Runs composed with ${dataset.name} use them.`);
    } catch (thrown) {
      setError(asErrorInfo(thrown));
    } finally {
      setBusy(false);
    }
  }

  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl">
      <Stack gap="md">
        {dataset.mapping === null ? (
          <Alert color="yellow" icon={<IconInfoCircle aria-hidden />} title="Choose the columns">
            No known layout fits this dataset. Say which columns hold what, then save.
          </Alert>
        ) : (
          <Text size="sm" c="dimmed">
            Detected from the columns, or saved by you. Change it when it is wrong.
          </Text>
        )}
        <MappingFields columns={dataset.columns} mapping={mapping} onChange={setMapping} />
        {error && <ErrorView title="The columns were not saved" info={error} />}
        <Group gap="sm">
          <Button onClick={() => void submit()} disabled={!changed || !parsed.success} loading={busy}>
            Save columns
          </Button>
          {changed && dataset.mapping && (
            <Button variant="default" onClick={() => setMapping(dataset.mapping ?? {})}>
              Undo
            </Button>
          )}
          <Text size="sm" c="dimmed" role="status">
            {missing.length > 0 && `Still to choose: ${missing.map((f) => f.meta.title).join(', ')}.`}
          </Text>
        </Group>
      </Stack>
      <FirstRow dataset={dataset} mapping={mapping} />
    </SimpleGrid>
  );
}

function FirstRow({ dataset, mapping }: { dataset: DatasetCard; mapping: Record<string, unknown> }) {
  const fetchRows = useStore((s) => s.fetchRows);
  const [row, setRow] = useState<Record<string, unknown> | null>(null);
  const [error, setError] = useState<ErrorInfo | null>(null);
  useEffect(() => {
    fetchRows({ id: dataset.id, offset: 0, limit: 1 }).then(
      ({ rows }) => setRow(rows[0] ?? null),
      (thrown) => setError(asErrorInfo(thrown)),
    );
  }, [fetchRows, dataset.id]);
  const turns = row ? conversation(row, mapping) : [];
  return (
    <Stack gap="sm" component="section" aria-label="The first row as a conversation">
      <Title order={2} size="h3">
        The first row as a conversation
      </Title>
      {error && <ErrorView title="The first row could not be read" info={error} />}
      {row && turns.length === 0 && (
        <Text size="sm" c="dimmed">
          The chosen columns hold no text in this row.
        </Text>
      )}
      {turns.map((turn, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: turns have no identity but their place
        <Paper key={index} withBorder p="sm" bg="var(--collie-surface)">
          <Group justify="space-between" mb={4}>
            <Text size="xs" fw={600} tt="capitalize">
              {turn.role}
            </Text>
            {turn.trained && (
              <Badge size="sm" variant="light" color="green" c="var(--collie-ok)">
                Trained
              </Badge>
            )}
          </Group>
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} lineClamp={14}>
            {turn.text}
          </Text>
        </Paper>
      ))}
    </Stack>
  );
}
