import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { type ComponentType, memo } from 'react';
import { type SpecField, specValue } from '../../../../electron/shared/spec-fields.ts';
import { formatNumber } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import { sameValue } from '../../store/draft.ts';
import classes from './Compose.module.css';
import { BooleanField } from './fields/BooleanField.tsx';
import { ChoiceField, MultiChoiceField, VariantField } from './fields/ChoiceFields.tsx';
import type { FieldProps } from './fields/field-props.ts';
import { DatasetField, ModelField } from './fields/LibraryField.tsx';
import { NumberField } from './fields/NumberField.tsx';
import { ColumnField, TextField, TextListField } from './fields/TextFields.tsx';
import { isStillToDo, issuesAt, issueText } from './issues.ts';
import { fieldId } from './sections.ts';

const controls: Record<SpecField['kind'], ComponentType<FieldProps>> = {
  text: TextField,
  number: NumberField,
  integer: NumberField,
  boolean: BooleanField,
  choice: ChoiceField,
  variant: VariantField,
  multi_choice: MultiChoiceField,
  text_list: TextListField,
};

/** Fields that know the library. */
const special: Readonly<Record<string, ComponentType<FieldProps>>> = {
  model: ModelField,
  'dataset.train': DatasetField,
  'dataset.eval': DatasetField,
};

/** Their control offers what the help of the schema explains to those who write specs by hand. */
const selfExplaining: readonly string[] = ['model', 'dataset.train'];

function controlOf(field: SpecField): ComponentType<FieldProps> {
  if (special[field.path]) return special[field.path] as ComponentType<FieldProps>;
  if (field.group === 'dataset.mapping' && field.kind === 'text') return ColumnField;
  return controls[field.kind];
}

const wideKinds: readonly SpecField['kind'][] = ['variant', 'multi_choice', 'text_list', 'boolean'];
const isWide = (field: SpecField) =>
  wideKinds.includes(field.kind) ||
  field.path in special ||
  (field.key.includes('prompt') && field.group !== 'dataset.mapping');

/** Changed from its default; required fields have none. */
export const isChanged = (field: SpecField, value: unknown): boolean =>
  !field.required && !sameValue(value, field.default);

/** One field of the form: name, control, help, problem, and the way back to its default. Drawn again only when its own value changes. */
export const FieldRow = memo(function FieldRow({ field }: { field: SpecField }) {
  const value = useStore((s) => specValue(s.draft, field.path));
  const error = useStore((s) =>
    issuesAt(s.issues, field.path)
      .filter((issue) => !isStillToDo(issue, s.draft, s.touched))
      .map(issueText)
      .join(' '),
  );
  const setField = useStore((s) => s.setField);
  const setVariant = useStore((s) => s.setVariant);
  const Control = controlOf(field);
  const id = fieldId(field.path);
  const change = (next: unknown) =>
    field.kind === 'variant' ? setVariant(field.path, String(next)) : setField(field.path, next);
  const changed = isChanged(field, value);
  // Method and optimizer: the heading of their section says it already.
  const named = field.kind !== 'variant' || field.group.includes('.');
  return (
    <div className={classes.field} data-wide={isWide(field) || undefined} data-path={field.path}>
      <Group gap={6} mb={4} h={22} wrap="nowrap" display={named ? undefined : 'none'}>
        <label htmlFor={id} id={`${id}-label`} className={classes.label}>
          {field.meta.title}
          {field.required && field.kind !== 'variant' && (
            <span className={classes.required} title="Required" aria-hidden>
              {' '}
              *
            </span>
          )}
        </label>
        {changed && (
          <Tooltip label={`Back to ${defaultText(field)}`}>
            <ActionIcon
              size="xs"
              variant="subtle"
              aria-label={`Set ${field.meta.title} back to ${defaultText(field)}`}
              onClick={() => setField(field.path, structuredClone(field.default))}
            >
              <IconArrowBackUp size={13} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
      <Control field={field} id={id} value={value} error={error || undefined} onChange={change} />
      {named && field.meta.help && !selfExplaining.includes(field.path) && (
        <Text size="xs" c="dimmed" mt={4}>
          {field.meta.help}
        </Text>
      )}
    </div>
  );
});

function defaultText(field: SpecField): string {
  const value = field.default;
  if (value === null || value === '') return 'empty';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return String(value);
}
