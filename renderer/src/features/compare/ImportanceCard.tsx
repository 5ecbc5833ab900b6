/** Which settings explain a result, with the warning that few runs need. */
import { Alert, Group, Select, Skeleton, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatShare } from '../../components/format.ts';
import classes from './Compare.module.css';
import { chartChoices, choiceKey } from './charts-of.ts';
import type { Compared } from './compared.ts';
import { useAnswer } from './use-answer.ts';

export function ImportanceCard({ compared }: { compared: Compared }) {
  const choices = useMemo(() => chartChoices(compared.report), [compared.report]);
  const [key, setKey] = useState<string | null>(null);
  const choice = choices.find((one) => choiceKey(one) === key) ?? choices[0];
  const { data, error, again } = useAnswer(
    'compare.importance',
    choice ? { view: compared.view, metric: choice.metric, source: choice.source } : null,
  );
  if (!choice) return null;
  return (
    <section className={classes.card} aria-label="Importance of settings">
      <Group justify="space-between" mb="xs">
        <Text size="sm" fw={600}>
          Importance of settings
        </Text>
        <Select
          size="xs"
          w={220}
          aria-label="Result"
          data={choices.map((one) => ({ value: choiceKey(one), label: one.title }))}
          value={choiceKey(choice)}
          allowDeselect={false}
          onChange={setKey}
        />
      </Group>
      {error && <ErrorView info={error} title="The importance could not be computed" onRetry={again} />}
      {!data && !error && <Skeleton h={120} aria-label="Computing the importance" />}
      {data?.warning && (
        <Alert
          variant="light"
          color="yellow"
          p="xs"
          mb="xs"
          icon={<IconAlertTriangle size={16} aria-hidden />}
        >
          {data.warning}
        </Alert>
      )}
      {data && data.settings.length > 0 && (
        <table className={classes.plain}>
          <thead>
            <tr>
              <th scope="col">Setting</th>
              <th scope="col" colSpan={2}>
                Importance (random forest)
              </th>
              <th scope="col">Correlation</th>
            </tr>
          </thead>
          <tbody>
            {data.settings.map((one) => (
              <tr key={one.path}>
                <th scope="row" title={one.path}>
                  {one.title}
                </th>
                <td style={{ width: 110 }}>
                  <div
                    className={classes.bar}
                    style={{ width: `${Math.max(1, one.importance * 100)}%` }}
                    aria-hidden
                  />
                </td>
                <td>{formatShare(one.importance)}</td>
                <td>{one.correlation === null ? '–' : one.correlation.toFixed(2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
