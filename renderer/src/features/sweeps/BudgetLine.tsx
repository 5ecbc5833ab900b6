import { Anchor, Group, Progress, Text } from '@mantine/core';
import { useEffect } from 'react';
import type { SweepBudget } from '../../../../electron/shared/runs/sweep-record.ts';
import { budgetWords } from '../../../../electron/shared/spec/sweep-budget.ts';
import { href } from '../../app/route.ts';
import { useStore } from '../../store/context.tsx';

const EVERY_MS = 5000;

/** What of a sweep's budget is spent, and what to do when all of it is. */
export function BudgetLine({ id, budget }: { id: string; budget: SweepBudget }) {
  const load = useStore((s) => s.loadSweeps);
  useEffect(() => {
    const timer = setInterval(() => void load(), EVERY_MS);
    return () => clearInterval(timer);
  }, [load]);
  const { hours, tokens, spent, over } = budget;
  const share = Math.max(
    hours === null ? 0 : spent.hours / hours,
    tokens === null ? 0 : spent.tokens / tokens,
  );
  return (
    <section aria-label="Budget">
      <Group justify="space-between" gap="md" mb={6}>
        <Text size="sm">Budget: {budgetWords(budget, spent)} spent</Text>
        {over && (
          <Text size="sm">
            It is spent: nothing more is started.{' '}
            <Anchor href={href('sweeps', id, 'add')} size="sm" underline="always">
              Add to it
            </Anchor>
          </Text>
        )}
      </Group>
      <Progress
        value={Math.min(1, share) * 100}
        color={over ? 'yellow' : 'gray'}
        aria-label="Share of the budget that is spent"
      />
    </section>
  );
}
