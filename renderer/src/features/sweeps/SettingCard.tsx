/** One swept setting: a list of values, or for numbers a range. */
import {
  CloseButton,
  Group,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { SpecField } from '../../../../electron/shared/spec/spec-fields.ts';
import { fieldAt, isNumeric, type SweptSetting } from '../../store/sweep-draft.ts';
import classes from './Sweeps.module.css';

interface Props {
  readonly setting: SweptSetting;
  /** Ranges say how many values they have. */
  readonly grid: boolean;
  readonly onChange: (setting: SweptSetting) => void;
  readonly onRemove: () => void;
}

export function SettingCard({ setting, grid, onChange, onRemove }: Props) {
  const field = fieldAt(setting.path);
  const title = field?.meta.title || setting.path;
  const change = (part: Partial<SweptSetting>) => onChange({ ...setting, ...part });
  return (
    <fieldset className={classes.setting} aria-label={title}>
      <Group justify="space-between" mb={6} gap="xs">
        <Text size="sm" fw={600}>
          {title}{' '}
          <Text span size="xs" c="dimmed">
            {setting.path}
          </Text>
        </Text>
        <Group gap="xs">
          {isNumeric(field) && (
            <SegmentedControl
              size="xs"
              aria-label={`How ${title} changes`}
              value={setting.how}
              onChange={(how) => change({ how: how === 'range' ? 'range' : 'list' })}
              data={[
                { value: 'list', label: 'List' },
                { value: 'range', label: 'Range' },
              ]}
            />
          )}
          <CloseButton size="sm" aria-label={`Do not sweep ${title}`} onClick={onRemove} />
        </Group>
      </Group>
      {setting.how === 'range' ? (
        <Range setting={setting} title={title} grid={grid} change={change} />
      ) : (
        <Values setting={setting} title={title} field={field} change={change} />
      )}
    </fieldset>
  );
}

interface PartProps {
  readonly setting: SweptSetting;
  readonly title: string;
  readonly change: (part: Partial<SweptSetting>) => void;
}

function Range({ setting, title, grid, change }: PartProps & { grid: boolean }) {
  const { from, to, scale, steps } = setting;
  return (
    <Group gap="sm" align="flex-end">
      <TextInput
        w={110}
        label="From"
        aria-label={`${title}: from`}
        inputMode="decimal"
        value={from}
        onChange={(event) => change({ from: event.currentTarget.value })}
      />
      <TextInput
        w={110}
        label="To"
        aria-label={`${title}: to`}
        inputMode="decimal"
        value={to}
        onChange={(event) => change({ to: event.currentTarget.value })}
      />
      <SegmentedControl
        aria-label={`Scale of ${title}`}
        value={scale}
        onChange={(next) => change({ scale: next === 'log' ? 'log' : 'linear' })}
        data={[
          { value: 'linear', label: 'Linear' },
          { value: 'log', label: 'Log' },
        ]}
      />
      {grid && (
        <NumberInput
          w={90}
          label="Values"
          aria-label={`${title}: values`}
          min={2}
          max={100}
          allowDecimal={false}
          value={steps}
          onChange={(next) => typeof next === 'number' && change({ steps: next })}
        />
      )}
    </Group>
  );
}

function Values({ setting, title, field, change }: PartProps & { field: SpecField | undefined }) {
  const label = `Values of ${title}`;
  const values = [...setting.values];
  const set = (next: string[]) => change({ values: next });
  if (field?.kind === 'choice' || field?.kind === 'variant')
    return (
      <MultiSelect
        aria-label={label}
        data={[
          ...(field.nullable ? [{ value: 'none', label: 'None' }] : []),
          ...(field.options ?? []).map(({ value, title: name }) => ({ value, label: name })),
        ]}
        value={values}
        onChange={set}
        searchable
      />
    );
  if (field?.kind === 'boolean')
    return (
      <MultiSelect
        aria-label={label}
        data={[
          { value: 'true', label: 'On' },
          { value: 'false', label: 'Off' },
        ]}
        value={values}
        onChange={set}
      />
    );
  if (field?.kind === 'number' || field?.kind === 'integer' || field?.kind === 'text')
    return (
      <TagsInput
        aria-label={label}
        placeholder={field.kind === 'text' ? 'Enter adds a value' : 'Values, with commas'}
        splitChars={field.kind === 'text' ? [] : [',', ' ', ';']}
        acceptValueOnBlur
        value={values}
        onChange={set}
      />
    );
  return (
    <Textarea
      aria-label={label}
      description="One value a line; the items of a value with commas between them."
      autosize
      minRows={2}
      value={values.join('\n')}
      onChange={(event) => set(event.currentTarget.value.split('\n'))}
    />
  );
}
