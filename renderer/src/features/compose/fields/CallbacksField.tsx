import { ActionIcon, Box, Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { InspectedCallback } from '../../../../../electron/shared/api/callbacks.ts';
import { PathPicker } from '../../../components/PathPicker.tsx';
import { useClient, useStore } from '../../../store/context.tsx';
import { FieldError, FieldHelp } from './FieldHelp.tsx';
import { type FieldProps, helpId } from './field-props.ts';

/** Files that run beside the training, each with what will become of it. */
export function CallbacksField({ field, id, value, error, help, onChange }: FieldProps) {
  const paths = Array.isArray(value) ? value.map(String) : [];
  const full = field.maxLength !== undefined && paths.length >= field.maxLength;
  const states = useInspected(paths);
  const replace = (index: number, path: string) =>
    onChange(paths.map((old, i) => (i === index ? path : old)));
  return (
    <Stack
      gap="xs"
      id={id}
      tabIndex={-1}
      role="group"
      aria-labelledby={`${id}-label`}
      {...(help ? { 'aria-describedby': helpId(id) } : {})}
    >
      {paths.map((path, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: paths have no identity but their place
        <Box key={index}>
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <Box style={{ flex: 1 }}>
              <PathPicker
                ariaLabel={`Callback ${index + 1}, path`}
                pick="file"
                extensions={['ts', 'mts', 'js', 'mjs']}
                placeholder="/home/me/my-callback.ts"
                value={path}
                onChange={(next) => replace(index, next)}
              />
            </Box>
            <ActionIcon
              size={36}
              variant="subtle"
              color="gray"
              aria-label={`Remove callback ${index + 1}`}
              onClick={() => onChange(paths.filter((_, i) => i !== index))}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Group>
          <State of={states.get(path)} />
        </Box>
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={full}
          onClick={() => onChange([...paths, ''])}
        >
          Add a callback
        </Button>
      </Group>
      <FieldHelp id={id} help={help} />
      {error && <FieldError text={error} />}
    </Stack>
  );
}

/** What is wrong with it stands below the field, with the other problems of the spec. */
function State({ of }: { of: InspectedCallback | undefined }) {
  if (!of || of.problem) return null;
  return (
    <Text size="xs" c="dimmed" mt={4} role="status">
      {of.trusted
        ? 'Approved: it runs beside the training.'
        : 'Not approved yet: its code is shown, and you are asked, when the run starts.'}
    </Text>
  );
}

/** By path; looked at again whenever the spec has been checked, as files change outside of the window. */
function useInspected(paths: readonly string[]): ReadonlyMap<string, InspectedCallback> {
  const client = useClient();
  const issues = useStore((s) => s.issues);
  const question = useStore((s) => s.trustQuestion);
  const [found, setFound] = useState<ReadonlyMap<string, InspectedCallback>>(new Map());
  const key = paths.filter((path) => path !== '').join('\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: also after a check of the spec, and after the question
  useEffect(() => {
    if (key === '') return;
    let wanted = true;
    client.call('callbacks.inspect', { paths: key.split('\n').slice(0, 8) }).then(
      (list) => wanted && setFound(new Map(list.map((one) => [one.path, one]))),
      // A path that this page may not reach: the check of the spec says so.
      () => wanted && setFound(new Map()),
    );
    return () => {
      wanted = false;
    };
  }, [client, key, issues, question]);
  return found;
}
