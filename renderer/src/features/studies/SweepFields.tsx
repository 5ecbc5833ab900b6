/** The learning rates of the quality study, and its seeds. */
import { Group, TagsInput } from '@mantine/core';
import type { StudyForm } from './use-study-form.ts';

const SPLIT = [',', ' ', ';'];

export function SweepFields({
  form,
  onChange,
}: {
  form: StudyForm;
  onChange(part: Partial<StudyForm>): void;
}) {
  return (
    <Group grow align="end">
      <TagsInput
        label="Learning rates"
        description="Times the one that is recommended for each pair."
        splitChars={SPLIT}
        acceptValueOnBlur
        value={form.rates}
        onChange={(rates) => onChange({ rates: rates.filter((one) => Number(one) > 0) })}
      />
      <TagsInput
        label="Seeds"
        description="Three or more tell a difference from chance."
        splitChars={SPLIT}
        acceptValueOnBlur
        value={form.seeds}
        onChange={(seeds) => onChange({ seeds: seeds.filter((one) => /^\d+$/.test(one)) })}
      />
    </Group>
  );
}
