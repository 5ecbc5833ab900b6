import { Anchor, Group, Text, Title } from '@mantine/core';
import { IconCircleCheckFilled } from '@tabler/icons-react';
import type { GuideStep } from './guide.ts';
import classes from './Home.module.css';

/** The four steps; the first that is not done stands out. */
export function Guide({ steps }: { steps: readonly GuideStep[] }) {
  const next = steps.findIndex((step) => !step.done);
  return (
    <section aria-labelledby="guide-title">
      <Title order={2} id="guide-title" mb="sm">
        First steps
      </Title>
      <ol className={classes.steps}>
        {steps.map((step, i) => (
          <li key={step.title} className={classes.step} data-next={i === next || undefined}>
            <Group gap="xs" wrap="nowrap" mb={4}>
              {step.done ? (
                <IconCircleCheckFilled size={22} color="var(--collie-ok)" aria-label="Done" />
              ) : (
                <span className={classes.number} aria-hidden>
                  {i + 1}
                </span>
              )}
              <Text fw={600}>{step.title}</Text>
            </Group>
            <Text size="sm" c="dimmed">
              {step.text}
            </Text>
            <Anchor href={step.href} size="sm" fw={550} mt="auto" pt="xs">
              {step.action} →
            </Anchor>
          </li>
        ))}
      </ol>
    </section>
  );
}
