import { TagsInput } from '@mantine/core';
import { type FieldProps, helpProps } from './field-props.ts';

/** What was typed as an entry of the list; a number that is none stays a text for the check to name. */
const entry = (field: FieldProps['field'], tag: string): unknown =>
  field.kind === 'integer_list' && tag.trim() !== '' && Number.isFinite(Number(tag)) ? Number(tag) : tag;

/** A list of short texts of which some are usual, or of numbers: tags, typed or chosen. */
export function TagsField({ field, id, value, error, help, onChange }: FieldProps) {
  const tags = Array.isArray(value) ? value.map(String) : [];
  return (
    <TagsInput
      id={id}
      data={field.meta.suggestions ?? []}
      value={tags}
      error={error}
      {...helpProps({ id, help })}
      {...(field.maxLength === undefined ? {} : { maxTags: field.maxLength })}
      clearable={(field.minLength ?? 0) === 0}
      placeholder={tags.length === 0 ? 'None' : ''}
      // Where the focus leaves a half-typed name, it is meant.
      acceptValueOnBlur
      styles={{
        pill: { fontFamily: 'var(--mantine-font-family-monospace)' },
        inputField: { fontFamily: 'var(--mantine-font-family-monospace)' },
      }}
      // The layers of two chunks may be the same number.
      allowDuplicates={field.kind === 'integer_list'}
      onChange={(next) => onChange(next.map((tag) => entry(field, tag)))}
    />
  );
}
