import { ActionIcon, Button, Group, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { IconDice3, IconPlus, IconTrash } from '@tabler/icons-react';
import { specValue } from '../../../../../electron/shared/spec/spec-fields.ts';
import { useStore } from '../../../store/context.tsx';
import { conversation } from '../../datasets/conversation.ts';
import { FieldError, FieldHelp } from './FieldHelp.tsx';
import { type FieldProps, helpId, helpProps } from './field-props.ts';
import { useChosenDataset } from './use-chosen.ts';

/** A line of text; longer ones grow. */
export function TextField({ field, id, value, error, help, onChange }: FieldProps) {
  const text = typeof value === 'string' ? value : '';
  const change = (next: string) => onChange(next === '' && field.nullable ? null : next);
  if (field.meta.control === 'multiline')
    return (
      <Textarea
        id={id}
        value={text}
        error={error}
        {...helpProps({ id, help })}
        autosize
        minRows={2}
        maxRows={8}
        onChange={(event) => change(event.currentTarget.value)}
      />
    );
  return (
    <TextInput
      id={id}
      value={text}
      error={error}
      {...helpProps({ id, help })}
      autoComplete="off"
      {...(field.maxLength === undefined ? {} : { maxLength: field.maxLength })}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}

/** A column of the chosen dataset; a plain text while the dataset is not one of the library. */
export function ColumnField(props: FieldProps) {
  const dataset = useChosenDataset('dataset.train');
  if (!dataset) return <TextField {...props} />;
  const { field, id, value, error, help, onChange } = props;
  const names = dataset.columns.map((column) => column.name);
  const unknown = typeof value === 'string' && !names.includes(value);
  return (
    <Select
      id={id}
      data={unknown ? [...names, value] : names}
      value={typeof value === 'string' ? value : null}
      placeholder={field.nullable ? 'None' : 'Choose a column'}
      clearable={field.nullable}
      {...helpProps({ id, help })}
      error={error ?? (unknown ? `${dataset.name} has no column "${value}".` : undefined)}
      onChange={(next) => onChange(next ?? (field.nullable ? null : undefined))}
    />
  );
}

/** A list of texts: the sample prompts. */
export function TextListField({ field, id, value, error, help, onChange }: FieldProps) {
  const texts = Array.isArray(value) ? value.map(String) : [];
  const full = field.maxLength !== undefined && texts.length >= field.maxLength;
  const replace = (index: number, text: string) =>
    onChange(texts.map((old, i) => (i === index ? text : old)));
  return (
    <Stack
      gap="xs"
      id={id}
      tabIndex={-1}
      role="group"
      aria-labelledby={`${id}-label`}
      {...(help ? { 'aria-describedby': helpId(id) } : {})}
    >
      {texts.map((text, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: texts have no identity but their place
        <Group key={index} gap="xs" wrap="nowrap" align="flex-start">
          <Textarea
            aria-label={`${field.meta.title} ${index + 1}`}
            value={text}
            autosize
            minRows={1}
            maxRows={6}
            style={{ flex: 1 }}
            onChange={(event) => replace(index, event.currentTarget.value)}
          />
          <ActionIcon
            size={36}
            variant="subtle"
            color="gray"
            aria-label={`Remove ${field.meta.title.toLowerCase()} ${index + 1}`}
            onClick={() => onChange(texts.filter((_, i) => i !== index))}
          >
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={full}
          onClick={() => onChange([...texts, ''])}
        >
          Add
        </Button>
        <FromData disabled={full} onPick={(text) => onChange([...texts, text])} />
      </Group>
      <FieldHelp id={id} help={help} />
      {error && <FieldError text={error} />}
    </Stack>
  );
}

/** Takes the user's part of a random row of the chosen dataset. */
function FromData({ disabled, onPick }: { disabled: boolean; onPick: (text: string) => void }) {
  const dataset = useChosenDataset('dataset.train');
  const mapping = useStore((s) => specValue(s.draft, 'dataset.mapping'));
  const fetchRows = useStore((s) => s.fetchRows);
  const report = useStore((s) => s.report);
  if (!dataset) return null;
  async function pick(id: string, rows: number) {
    try {
      const offset = Math.floor(Math.random() * rows);
      const {
        rows: [row],
      } = await fetchRows({ id, offset, limit: 1 });
      const turns = row ? conversation(row, (mapping ?? {}) as Record<string, unknown>) : [];
      const text = turns.find((turn) => /^(user|human)$/i.test(turn.role))?.text;
      if (text) onPick(text);
    } catch (thrown) {
      report('No prompt could be taken from the data', thrown);
    }
  }
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconDice3 size={14} aria-hidden />}
      disabled={disabled || dataset.rows === 0}
      onClick={() => void pick(dataset.id, dataset.rows)}
    >
      Add one from the data
    </Button>
  );
}
