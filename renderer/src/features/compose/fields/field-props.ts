import type { ReactNode } from 'react';
import type { SpecField } from '../../../../../electron/shared/spec/spec-fields.ts';

/** What every control of the form gets. */
export interface FieldProps {
  readonly field: SpecField;
  readonly id: string;
  /** Undefined: no value was given yet. */
  readonly value: unknown;
  /** What an empty field stands for; null: nothing. */
  readonly recommended: number | null;
  readonly error: string | undefined;
  /** What the setting means; the control shows it below itself and is described by it. Null: it needs none. */
  readonly help: ReactNode;
  /** It cannot be set as other fields are; back to its default it always can. */
  readonly blocked: boolean;
  readonly onChange: (value: unknown) => void;
}

export const helpId = (id: string) => `${id}-help`;

type Part = 'label' | 'input' | 'description' | 'error';

/** Help of a control that is one of Mantine's inputs: below it, and linked for screen readers. */
export const helpProps = ({ id, help }: Pick<FieldProps, 'id' | 'help'>) =>
  help
    ? {
        description: help,
        descriptionProps: { id: helpId(id), fz: 'xs' },
        inputWrapperOrder: ['label', 'input', 'description', 'error'] as Part[],
      }
    : {};

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
