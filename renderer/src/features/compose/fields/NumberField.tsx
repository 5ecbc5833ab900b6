import { NumberInput, Text, TextInput } from '@mantine/core';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { formatNumber } from '../../../components/format.ts';
import { type FieldProps, helpProps, rangeText } from './field-props.ts';

/** A number; those on a logarithmic scale take "2e-4" and step by factors. */
export function NumberField(props: FieldProps) {
  return props.field.meta.scale === 'log' ? <LogField {...props} /> : <LinearField {...props} />;
}

const Unit = ({ text }: { text: string }) => (
  <Text size="xs" c="dimmed" pr="xs" style={{ whiteSpace: 'nowrap' }}>
    {text}
  </Text>
);

/** Room for a unit at the right of an input, by its length. */
const unitWidth = (unit: string) => unit.length * 7 + 16;

function LinearField({ field, id, value, error, help, onChange }: FieldProps) {
  const unit = field.meta.unit;
  const whole = field.kind === 'integer';
  return (
    <NumberInput
      id={id}
      value={typeof value === 'number' ? value : ''}
      error={error}
      {...helpProps({ id, help })}
      step={field.meta.step ?? 1}
      {...(field.min === undefined ? {} : { min: field.min })}
      {...(field.max === undefined ? {} : { max: field.max })}
      clampBehavior="none"
      allowDecimal={!whole}
      decimalScale={8}
      thousandSeparator={whole ? ',' : ''}
      title={rangeText(field)}
      {...(unit ? { rightSection: <Unit text={unit} />, rightSectionWidth: unitWidth(unit) } : {})}
      // An empty input is no number: the check says so beside the field.
      onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
    />
  );
}

/** Next value in the series 1, 2, 5, 10 (fractions) or the next power of two (whole numbers). */
export function logStep(value: number, direction: 1 | -1, whole: boolean): number {
  if (!(value > 0)) return whole ? 1 : 1e-4;
  if (whole)
    return direction > 0 ? 2 ** (Math.floor(Math.log2(value)) + 1) : 2 ** (Math.ceil(Math.log2(value)) - 1);
  const ladder = [1, 2, 5, 10];
  const exponent = Math.floor(Math.log10(value) + 1e-9);
  const mantissa = value / 10 ** exponent;
  const next =
    direction > 0
      ? (ladder.find((m) => m > mantissa * 1.001) ?? 20)
      : ([0.5, ...ladder].findLast((m) => m < mantissa * 0.999) ?? 0.5);
  return Number((next * 10 ** exponent).toPrecision(6));
}

function LogField({ field, id, value, recommended, error, help, onChange }: FieldProps) {
  const whole = field.kind === 'integer';
  const shown = typeof value === 'number' ? formatNumber(value) : typeof value === 'string' ? value : '';
  const [text, setText] = useState(shown);
  // Another source (a preset, the JSON view) changed the value: show it, unless it is what the text already says.
  useEffect(() => {
    setText((old) => (old.trim() !== '' && Number(old.replaceAll(',', '')) === value ? old : shown));
  }, [shown, value]);

  function type(next: string) {
    setText(next);
    const number = Number(next.replaceAll(',', ''));
    const empty = field.nullable ? null : undefined;
    if (next.trim() === '') onChange(empty);
    // What is no number is kept as it is: the check names it, and no default takes its place.
    else onChange(Number.isNaN(number) ? next : number);
  }
  function step(event: KeyboardEvent) {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    event.preventDefault();
    const next = logStep(
      typeof value === 'number' ? value : (recommended ?? Number.NaN),
      event.key === 'ArrowUp' ? 1 : -1,
      whole,
    );
    const { min = 0, max = Number.POSITIVE_INFINITY } = field;
    if (next < min || next > max) return;
    setText(formatNumber(next));
    onChange(next);
  }
  const unit = field.meta.unit;
  return (
    <TextInput
      id={id}
      value={text}
      error={error}
      {...helpProps({ id, help })}
      {...(recommended === null ? {} : { placeholder: `${formatNumber(recommended)} (recommended)` })}
      inputMode="decimal"
      autoComplete="off"
      title={`${rangeText(field)}. Arrow keys step by factors.`}
      {...(unit ? { rightSection: <Unit text={unit} />, rightSectionWidth: unitWidth(unit) } : {})}
      onChange={(event) => type(event.currentTarget.value)}
      onKeyDown={step}
      onBlur={() => setText(shown === '' ? text : shown)}
    />
  );
}
