/** On which data a study is made, and for quality what it is judged on. */
import { Group, MultiSelect, NumberInput, Select } from '@mantine/core';
import type { DatasetCard } from '../../../../electron/shared/api/entities.ts';
import type { StudyKind } from '../../../../electron/shared/spec/study.ts';
import type { Judged, StudyForm } from './use-study-form.ts';

interface Props {
  kind: StudyKind;
  datasets: readonly DatasetCard[];
  data: readonly DatasetCard[];
  form: StudyForm;
  onChange(part: Partial<StudyForm>): void;
}

export function DataFields({ kind, datasets, data, form, onChange }: Props) {
  const options = datasets.map(({ id, name }) => ({ value: id, label: name }));
  if (kind !== 'quality')
    return (
      <Select
        label="Data"
        data={options}
        value={data[0]?.id ?? null}
        onChange={(one) => onChange({ data: one === null ? null : [one] })}
      />
    );
  return (
    <>
      <MultiSelect
        label="Data"
        description="Each is a study of its own, with its own verdicts."
        maxValues={4}
        data={options}
        value={data.map(({ id }) => id)}
        onChange={(next) => onChange({ data: next })}
      />
      {data.map((one) => (
        <JudgedOn
          key={one.id}
          dataset={one}
          options={options.filter(({ value }) => value !== one.id)}
          value={form.judged[one.id] ?? { eval: null, answers: 0 }}
          onChange={(judged) => onChange({ judged: { ...form.judged, [one.id]: judged } })}
        />
      ))}
    </>
  );
}

function JudgedOn(props: {
  dataset: DatasetCard;
  options: { value: string; label: string }[];
  value: Judged;
  onChange(judged: Judged): void;
}) {
  const { dataset, options, value, onChange } = props;
  return (
    <Group grow align="end">
      <Select
        label={`${dataset.name} is judged on`}
        placeholder="A part of its rows, held out"
        clearable
        data={options}
        value={value.eval}
        onChange={(held) => onChange({ ...value, eval: held })}
      />
      {value.eval !== null && (
        <NumberInput
          label="Right numbers in so many answers"
          min={0}
          max={10_000}
          allowDecimal={false}
          value={value.answers}
          onChange={(answers) => typeof answers === 'number' && onChange({ ...value, answers })}
        />
      )}
    </Group>
  );
}
