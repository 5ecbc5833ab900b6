import { ActionIcon, Anchor, Button, Checkbox, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { type ComponentType, useContext, useState } from 'react';
import type { DatasetCard } from '../../../../../electron/shared/api/entities.ts';
import { type SpecField, specValue } from '../../../../../electron/shared/spec/spec-fields.ts';
import { withValue } from '../../../../../electron/shared/spec/with-value.ts';
import { InlineCode } from '../../../components/InlineCode.tsx';
import { libraryRef } from '../../../store/compose.ts';
import { useStore } from '../../../store/context.tsx';
import { MappingFields } from '../../datasets/MappingFields.tsx';
import { issuesAt, issueText } from '../issues.ts';
import { fieldId } from '../sections.ts';
import { ChoiceField, MultiChoiceField, NullableChoiceField } from './ChoiceFields.tsx';
import {
  activeEntryFields,
  columnsHave,
  type Entry,
  newSet,
  offered,
  ownMapping,
  withData,
  withTask,
  withVariant,
} from './evaluation-sets.ts';
import { FieldError, FieldHelp } from './FieldHelp.tsx';
import { type FieldProps, helpId } from './field-props.ts';
import { DatasetField } from './LibraryField.tsx';
import { NumberField } from './NumberField.tsx';
import { SetsPlace } from './sets-place.ts';
import { TagsField } from './TagsField.tsx';
import { TextField } from './TextFields.tsx';

const controls: Partial<Record<SpecField['kind'], ComponentType<FieldProps>>> = {
  text: TextField,
  number: NumberField,
  integer: NumberField,
  choice: ChoiceField,
  variant: ChoiceField,
  multi_choice: MultiChoiceField,
  text_list: TagsField,
};

const controlOf = ({ kind, meta, nullable }: SpecField): ComponentType<FieldProps> => {
  if (meta.control === 'dataset') return DatasetField;
  if (kind === 'choice' && nullable) return NullableChoiceField;
  return controls[kind] ?? TextField;
};

const WIDE: readonly SpecField['kind'][] = ['multi_choice', 'text_list', 'variant'];
const isWide = ({ kind, meta }: SpecField) => WIDE.includes(kind) || meta.control === 'multiline';

/** The named evaluation sets of a run: a card each. */
export function EvaluationSetsField({ field, id, value, help, onChange }: FieldProps) {
  const sets = Array.isArray(value) ? (value as Entry[]) : [];
  const change = (k: number, next: Entry) => onChange(sets.map((old, i) => (i === k ? next : old)));
  return (
    <Stack
      gap="sm"
      id={id}
      tabIndex={-1}
      role="group"
      aria-labelledby={`${id}-label`}
      {...(help ? { 'aria-describedby': helpId(id) } : {})}
    >
      {sets.map((set, k) => (
        <SetCard
          // biome-ignore lint/suspicious/noArrayIndexKey: sets have no identity but their place, their names are typed
          key={k}
          list={field}
          place={k}
          set={set}
          others={sets.filter((_, i) => i !== k).map((one) => one.name)}
          onChange={(next) => change(k, next)}
          onRemove={() => onChange(sets.filter((_, i) => i !== k))}
        />
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          disabled={sets.length >= (field.maxLength ?? Number.POSITIVE_INFINITY)}
          onClick={() => onChange([...sets, newSet(sets)])}
        >
          Add an evaluation set
        </Button>
      </Group>
      <FieldHelp id={id} help={help} />
    </Stack>
  );
}

interface CardProps {
  readonly list: SpecField;
  readonly place: number;
  readonly set: Entry;
  /** Names of the other sets. */
  readonly others: readonly unknown[];
  readonly onChange: (set: Entry) => void;
  readonly onRemove: () => void;
}

function SetCard({ list, place, set, others, onChange, onRemove }: CardProps) {
  const [more, setMore] = useState(false);
  const datasets = useStore((s) => s.datasets) ?? [];
  const own = useContext(SetsPlace);
  const ofDraft = useStore((s) => specValue(s.draft, 'dataset.mapping')) as Entry | undefined;
  const training = own ? own.training : ofDraft;
  const card = datasets.find(({ id }) => libraryRef(id) === set.data) ?? null;
  const name = typeof set.name === 'string' && set.name !== '' ? set.name : `set ${place + 1}`;
  // Where nothing is trained, there are no steps to evaluate at.
  const fields = activeEntryFields(list, set).filter(({ path }) => !own || path !== 'every_steps');
  const shown = fields.filter(({ meta }) => more || !meta.advanced);
  const change = ({ path, kind }: SpecField, value: unknown) => {
    if (kind === 'variant') onChange(withVariant(list, set, path, String(value)));
    else if (path === 'task') onChange(withTask(list, set, value));
    else if (path === 'data') onChange(withData(set, value, datasets, training, others));
    else onChange(withValue(set, path, value));
  };
  return (
    <Paper withBorder p="md" radius="md" role="group" aria-label={`Evaluation set ${name}`}>
      <Group justify="space-between" mb="xs">
        <Text fw={600} size="sm">
          {name}
        </Text>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={`Remove evaluation set ${name}`}
          onClick={onRemove}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" verticalSpacing="md">
        {shown.map((field) => (
          <EntryField
            key={field.path}
            field={offered(field, set)}
            path={`${list.path}.${place}.${field.path}`}
            value={specValue(set, field.path)}
            onChange={(value) => change(field, value)}
          />
        ))}
      </SimpleGrid>
      {!set.task && <SetMapping set={set} card={card} training={training} onChange={onChange} />}
      {fields.some(({ meta }) => meta.advanced) && (
        <Anchor component="button" type="button" size="xs" mt="sm" mih={24} onClick={() => setMore(!more)}>
          {more ? 'Fewer settings' : 'More settings'}
        </Anchor>
      )}
    </Paper>
  );
}

interface EntryProps {
  readonly field: SpecField;
  /** In the spec. */
  readonly path: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function EntryField({ field, path, value, onChange }: EntryProps) {
  const own = useContext(SetsPlace);
  const error = useStore((s) =>
    issuesAt(own?.issues ?? s.issues, path)
      .map(issueText)
      .join(' '),
  );
  const Control = controlOf(field);
  const id = fieldId(path);
  return (
    <div style={isWide(field) ? { gridColumn: '1 / -1' } : undefined}>
      <label htmlFor={id} id={`${id}-label`} style={{ fontSize: 13, fontWeight: 550 }}>
        {field.meta.title}
      </label>
      <Control
        field={field}
        id={id}
        value={value === undefined ? field.default : value}
        recommended={null}
        error={error || undefined}
        help={<InlineCode text={field.meta.help} />}
        blocked={false}
        onChange={onChange}
      />
    </div>
  );
}

interface MappingProps {
  readonly set: Entry;
  readonly card: DatasetCard | null;
  readonly training: Entry | undefined;
  readonly onChange: (set: Entry) => void;
}

/** Columns of the set: those of the training data, or its own. */
function SetMapping({ set, card, training, onChange }: MappingProps) {
  const ofBase = useContext(SetsPlace) !== null && training === undefined;
  const own = typeof set.mapping === 'object' && set.mapping !== null ? (set.mapping as Entry) : null;
  const differs = card !== null && own === null && training !== undefined && !columnsHave(card, training);
  return (
    <Stack gap="xs" mt="md">
      <Checkbox
        size="xs"
        label={ofBase ? 'Columns as found in the data' : 'Columns as in the training data'}
        checked={own === null}
        disabled={own === null && card === null}
        description={
          card === null && !ofBase ? 'Columns of a file by its path can be written in the spec.' : undefined
        }
        onChange={(event) =>
          onChange({ ...set, mapping: event.currentTarget.checked || !card ? null : ownMapping(card) })
        }
      />
      {differs && <FieldError text={`${card.name} does not have these columns: choose its own.`} />}
      {own !== null && card !== null && (
        <MappingFields
          columns={card.columns}
          mapping={own}
          onChange={(mapping) => onChange({ ...set, mapping })}
        />
      )}
    </Stack>
  );
}
