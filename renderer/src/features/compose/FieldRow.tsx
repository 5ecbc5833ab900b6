import { ActionIcon, Anchor, Group, Text } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { type ComponentType, memo } from 'react';
import type { FieldMeta } from '../../../../electron/shared/spec/field-meta.ts';
import { type SpecField, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { formatNumber } from '../../components/format.ts';
import { Hint } from '../../components/Hint.tsx';
import { InlineCode } from '../../components/InlineCode.tsx';
import { useStore } from '../../store/context.tsx';
import { type Draft, recommendedFor, sameValue } from '../../store/draft.ts';
import classes from './Compose.module.css';
import { AdapterField } from './fields/AdapterField.tsx';
import { BooleanField } from './fields/BooleanField.tsx';
import { CallbacksField } from './fields/CallbacksField.tsx';
import { ChoiceField, MultiChoiceField } from './fields/ChoiceFields.tsx';
import { EvaluationSetsField } from './fields/EvaluationSetsField.tsx';
import type { FieldProps } from './fields/field-props.ts';
import { DatasetField, ModelField } from './fields/LibraryField.tsx';
import { NumberField } from './fields/NumberField.tsx';
import { StepperField } from './fields/StepperField.tsx';
import { TagsField } from './fields/TagsField.tsx';
import { ColumnField, TextField, TextListField } from './fields/TextFields.tsx';
import { VariantField } from './fields/VariantField.tsx';
import { globalBatchText } from './global-batch.ts';
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
  integer_list: TagsField,
  object_list: EvaluationSetsField,
};

/** Controls that the schema asks for by name. */
const named: Partial<Record<NonNullable<FieldMeta['control']>, ComponentType<FieldProps>>> = {
  model: ModelField,
  dataset: DatasetField,
  column: ColumnField,
  adapter: AdapterField,
  stepper: StepperField,
  callbacks: CallbacksField,
};

/** Their control offers what the help of the schema explains to those who write specs by hand. */
const selfExplaining: readonly string[] = ['model', 'dataset.train'];

function controlOf({ kind, meta }: SpecField): ComponentType<FieldProps> {
  if (meta.control && named[meta.control]) return named[meta.control] as ComponentType<FieldProps>;
  return kind === 'text_list' && meta.suggestions ? TagsField : controls[kind];
}

const wideKinds: readonly SpecField['kind'][] = [
  'variant',
  'multi_choice',
  'text_list',
  'integer_list',
  'object_list',
  'boolean',
];
const wideControls: readonly FieldMeta['control'][] = ['model', 'dataset', 'multiline', 'adapter'];
/** Help of more letters than this would become a tower in one column. */
const LONG_HELP = 160;
const isWide = ({ kind, meta }: SpecField) =>
  wideKinds.includes(kind) ||
  wideControls.includes(meta.control) ||
  (kind === 'choice' && meta.help.length > LONG_HELP);

/** Changed from its default; required fields have none. */
export const isChanged = (field: SpecField, draft: Draft): boolean =>
  !field.required && !sameValue(specValue(draft, field.path), field.default);

/** One field of the form: name, control, help, problem, and the way back to its default. Drawn again only when its own value changes. */
export const FieldRow = memo(function FieldRow({ field }: { field: SpecField }) {
  const value = useStore((s) => specValue(s.draft, field.path));
  const error = useStore((s) =>
    issuesAt(s.issues, field.path)
      .filter((issue) => !isStillToDo(issue, s.draft, s.touched))
      .map(issueText)
      .join(' '),
  );
  const needs = field.meta.needs;
  const blocked = useStore(
    (s) => needs !== undefined && !(Number(specValue(s.draft, needs.path)) > needs.above),
  );
  const setField = useStore((s) => s.setField);
  const setVariant = useStore((s) => s.setVariant);
  const Control = controlOf(field);
  const id = fieldId(field.path);
  const change = (next: unknown) =>
    field.kind === 'variant' ? setVariant(field.path, String(next)) : setField(field.path, next);
  const changed = useStore((s) => isChanged(field, s.draft));
  const recommended = useStore((s) => recommendedFor(field, s.draft));
  const back =
    recommended === null ? defaultText(field.default) : `${formatNumber(recommended)}, the recommended one`;
  // Method and optimizer: the heading of their section says it already.
  const isNamed = field.kind !== 'variant' || field.group.includes('.');
  return (
    <div className={classes.field} data-wide={isWide(field) || undefined} data-path={field.path}>
      <Group gap={6} mb={4} h={22} wrap="nowrap" display={isNamed ? undefined : 'none'}>
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
          <Hint label={`Back to ${back}`}>
            <ActionIcon
              size="xs"
              variant="subtle"
              aria-label={`Set ${field.meta.title} back to ${back}`}
              onClick={() => setField(field.path, structuredClone(field.default))}
            >
              <IconArrowBackUp size={13} aria-hidden />
            </ActionIcon>
          </Hint>
        )}
      </Group>
      <Control
        field={field}
        id={id}
        value={value}
        recommended={recommended}
        error={error || undefined}
        help={
          isNamed && !selfExplaining.includes(field.path) ? (
            <>
              <Help meta={field.meta} blocked={blocked} />
              {field.meta.beside === 'global_batch' && <GlobalBatch />}
            </>
          ) : null
        }
        blocked={blocked}
        onChange={change}
      />
    </div>
  );
});

/** What one optimizer step takes, of the sizes in the draft. */
function GlobalBatch() {
  const text = useStore((s) => globalBatchText(s.draft));
  return text === null ? null : (
    <Text span inherit display="block" c="var(--mantine-color-text)" role="status">
      {text}
    </Text>
  );
}

function Help({ meta, blocked }: { meta: FieldMeta; blocked: boolean }) {
  return (
    <>
      <InlineCode text={blocked && meta.needs ? `${meta.help} ${meta.needs.otherwise}` : meta.help} />
      {meta.paper && (
        <>
          {' '}
          <Anchor href={meta.paper.url} target="_blank" rel="noreferrer" size="xs" underline="always">
            {meta.paper.title}
          </Anchor>
        </>
      )}
    </>
  );
}

function defaultText(value: unknown): string {
  if (value === null || value === '') return 'empty';
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  return String(value);
}
