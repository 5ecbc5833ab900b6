import type { SpecField } from '../../../../../electron/shared/spec-fields.ts';

/** What every control of the form gets. Undefined: no value was given yet. */
export interface FieldProps {
  readonly field: SpecField;
  readonly id: string;
  readonly value: unknown;
  readonly error: string | undefined;
  readonly onChange: (value: unknown) => void;
}

/** Range in words: "1 to 512", "more than 0, at most 1". */
export function rangeText(field: SpecField): string {
  const { min, max, minExclusive, maxExclusive } = field;
  const least =
    min === undefined ? '' : `${minExclusive ? 'more than' : 'at least'} ${min.toLocaleString('en')}`;
  const most =
    max === undefined ? '' : `${maxExclusive ? 'less than' : 'at most'} ${max.toLocaleString('en')}`;
  if (min !== undefined && max !== undefined && !minExclusive && !maxExclusive)
    return `${min.toLocaleString('en')} to ${max.toLocaleString('en')}`;
  return [least, most].filter(Boolean).join(', ');
}
