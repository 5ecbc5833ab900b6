/** What two groups were trained and evaluated on. */
import { List, Skeleton, Stack } from '@mantine/core';
import { ErrorView } from '../../components/ErrorView.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { useAnswer } from './use-answer.ts';

export function DataTab({ compared, candidate }: { compared: Compared; candidate: LookedGroup }) {
  const { data, error, again } = useAnswer('compare.data', {
    view: compared.view,
    candidate: candidate.key,
  });
  if (error) return <ErrorView info={error} title="The data could not be compared" onRetry={again} />;
  if (!data) return <Skeleton h={240} aria-label="Reading the data" />;
  return (
    <Stack gap="md" maw={1100}>
      <List size="sm">
        {data.notes.map((note) => (
          <List.Item key={note}>{note}</List.Item>
        ))}
      </List>
      <table className={classes.plain} aria-label="Data of both">
        <thead>
          <tr>
            <th scope="col">In bold: what differs</th>
            <th scope="col">{compared.baseline?.title}</th>
            <th scope="col">{candidate.title}</th>
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => (
            <tr key={row.title} data-differs={row.differs || undefined}>
              <th scope="row">{row.title}</th>
              <td>{row.baseline}</td>
              <td>{row.candidate}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Stack>
  );
}
