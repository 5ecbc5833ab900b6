/** What ends runs of a sweep early: rungs at which only the best go on, and a loss that gets no better. */
import { Group, NumberInput, Stack, TagsInput, Title } from '@mantine/core';
import type { SweepDraft } from '../../store/sweep-draft.ts';
import classes from './Sweeps.module.css';

interface Props {
  readonly draft: SweepDraft;
  readonly onChange: (part: Partial<SweepDraft>) => void;
}

export function EarlyFields({ draft, onChange }: Props) {
  const { rungs, eta, plateau, leastGain } = draft;
  return (
    <section className={classes.card} aria-labelledby="sweep-early">
      <Title order={2} size="h4" mb="xs" id="sweep-early">
        Ending early
      </Title>
      <Stack gap="sm">
        <TagsInput
          label="Rungs, in trained tokens"
          description="Successive halving: every run pauses at its first evaluation from there on, and the best of those that have reached a rung go on from their checkpoints. Empty: all run to the end."
          placeholder={rungs.length === 0 ? '20000, 60000' : ''}
          splitChars={[' ', ';', ',']}
          acceptValueOnBlur
          value={[...rungs]}
          onChange={(next) => onChange({ rungs: next })}
        />
        <Group gap="md" align="flex-end">
          <NumberInput
            w={170}
            label="One of so many goes on"
            min={2}
            max={10}
            allowDecimal={false}
            disabled={rungs.length === 0}
            value={eta}
            onChange={(next) => typeof next === 'number' && onChange({ eta: next })}
          />
          <NumberInput
            w={260}
            label="End after evaluations without gain"
            description="0: never"
            min={0}
            max={100}
            allowDecimal={false}
            value={plateau}
            onChange={(next) => typeof next === 'number' && onChange({ plateau: next })}
          />
          <NumberInput
            w={200}
            label="Least gain, in nats"
            min={0}
            step={0.001}
            disabled={plateau === 0}
            value={leastGain}
            onChange={(next) => typeof next === 'number' && onChange({ leastGain: next })}
          />
        </Group>
      </Stack>
    </section>
  );
}
