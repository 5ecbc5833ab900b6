/** One evaluated row: what was asked, what is right, and how it was answered at every evaluation. */
import { Modal, Skeleton, Stack, Text } from '@mantine/core';
import type { ExampleHistory, ExampleRow } from '../../../../electron/shared/api/examples.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';
import { formatPercent, formatValue } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { RowText } from '../../components/RowText.tsx';
import { useAnswer } from '../compare/use-answer.ts';
import classes from './Examples.module.css';
import { stepTitle } from './ExamplesTab.tsx';

interface Props {
  id: string;
  set: string;
  row: ExampleRow;
  onClose: () => void;
}

export function OneExample({ id, set, row, onClose }: Props) {
  const { data, error, again } = useAnswer('runs.example', { id, set, row: row.row });
  return (
    <Modal opened onClose={onClose} title="One row over the evaluations" size="xl">
      <Stack gap="sm">
        <RowText messages={row.messages} expected={row.expected} />
        {error && <ErrorView info={error} title="The evaluations could not be read" onRetry={again} />}
        {data ? (
          <History history={data} />
        ) : (
          !error && <Skeleton h={120} aria-label="Reading the evaluations" />
        )}
      </Stack>
    </Modal>
  );
}

function History({ history }: { history: ExampleHistory }) {
  const names = [...new Set(history.flatMap(({ found }) => Object.keys(found.scores)))];
  const speaks = history.some(({ found }) => found.answers.length > 0 || found.chosen !== null);
  return (
    <div className={classes.scroll}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Evaluation</th>
            {speaks && <th scope="col">Answer</th>}
            {names.map((name) => (
              <th scope="col" key={name} className={classes.number}>
                {metricInfo(name).title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {history.map(({ step, found }) => (
            <tr key={step}>
              <th scope="row">{stepTitle(step)}</th>
              {speaks && (
                <td className={classes.text}>
                  {found.chosen ?? found.answers.map((text) => text || '(an empty answer)').join('\n\n')}
                  {found.probability !== null && ` (${formatPercent(found.probability)})`}
                  {found.remarks.map((remark) => (
                    <Text key={remark} size="xs" c="dimmed">
                      {remark}
                    </Text>
                  ))}
                </td>
              )}
              {names.map((name) => (
                <td key={name} className={classes.number}>
                  {found.scores[name] === undefined ? '–' : formatValue(found.scores[name])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
