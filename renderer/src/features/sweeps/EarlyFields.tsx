/** What ends runs of a sweep early: rungs at which only the best go on, a loss that gets no better, and a budget for all of it. */
import { NumberInput, SimpleGrid, Stack, TagsInput, Text, Title } from '@mantine/core';
import type { SweepDraft } from '../../store/sweep-draft.ts';
import classes from './Sweeps.module.css';

interface Props {
  readonly draft: SweepDraft;
  readonly onChange: (part: Partial<SweepDraft>) => void;
}

export function EarlyFields({ draft, onChange }: Props) {
  const { rungs, eta, plateau, leastGain, budgetHours, budgetTokens } = draft;
  return (
    <section className={classes.card} aria-labelledby="sweep-early">
      <Title order={2} size="h4" mb="xs" id="sweep-early">
        Ending early
      </Title>
      <Stack gap="sm">
        <TagsInput
          label="Rungs, in trained tokens"
          description="Successive halving: every run pauses at its first evaluation from there on, and the best points go on from their checkpoints, all seeds of a point together. Empty: all run to the end."
          placeholder={rungs.length === 0 ? '20000, 60000' : ''}
          splitChars={[' ', ';', ',']}
          acceptValueOnBlur
          value={[...rungs]}
          onChange={(next) => onChange({ rungs: next })}
        />
        <NumberInput
          maw={220}
          label="One point of so many goes on"
          min={2}
          max={10}
          allowDecimal={false}
          disabled={rungs.length === 0}
          value={eta}
          onChange={(next) => typeof next === 'number' && onChange({ eta: next })}
        />
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
          <NumberInput
            label="End after evaluations without gain"
            description="0: never"
            min={0}
            max={100}
            allowDecimal={false}
            value={plateau}
            onChange={(next) => typeof next === 'number' && onChange({ plateau: next })}
          />
          <NumberInput
            label="Least gain, in nats"
            description="Less than that counts as none"
            min={0}
            step={0.001}
            disabled={plateau === 0}
            value={leastGain}
            onChange={(next) => typeof next === 'number' && onChange({ leastGain: next })}
          />
          <NumberInput
            label="Budget, in hours"
            description="Training of all runs; 0: no limit"
            min={0}
            step={0.5}
            value={budgetHours}
            onChange={(next) => typeof next === 'number' && onChange({ budgetHours: next })}
          />
          <NumberInput
            label="Budget, in tokens"
            description="Trained by all runs; 0: no limit"
            min={0}
            step={10_000}
            allowDecimal={false}
            thousandSeparator=","
            value={budgetTokens}
            onChange={(next) => typeof next === 'number' && onChange({ budgetTokens: next })}
          />
        </SimpleGrid>
        {(budgetHours > 0 || budgetTokens > 0) && (
          <Text size="sm" c="dimmed">
            When it is spent, the run that trains is stopped at a checkpoint and no other is started. They go
            on once it is raised.
          </Text>
        )}
      </Stack>
    </section>
  );
}
