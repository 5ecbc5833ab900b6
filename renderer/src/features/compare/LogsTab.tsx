/** Logs of two runs line by line, and where their time went. */
import { Skeleton, Stack, Text } from '@mantine/core';
import { useMemo } from 'react';
import { liveStates } from '../../../../electron/shared/runs/events.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { shownLines } from '../monitor/log-lines.ts';
import { useRunLog } from '../monitor/use-run-log.ts';
import classes from './Compare.module.css';
import { writtenCell } from './cells.ts';
import type { Compared, LookedGroup } from './compared.ts';
import { type LogLine, logDiff } from './log-diff.ts';

export function LogsTab({ compared, candidate }: { compared: Compared; candidate: LookedGroup }) {
  const { baseline } = compared;
  if (!baseline) return null;
  return (
    <Stack gap="lg">
      <Phases compared={compared} candidate={candidate} baseline={baseline} />
      <Logs compared={compared} baseline={baseline.key} candidate={candidate.key} />
    </Stack>
  );
}

function Phases(props: { compared: Compared; baseline: LookedGroup; candidate: LookedGroup }) {
  const { compared, baseline, candidate } = props;
  const { groups, report } = compared;
  const rows = report.results.filter(
    ({ metric, kind }) =>
      kind === 'cost' && (metric.startsWith('phase ') || /per_second|seconds$/.test(metric)),
  );
  const places = [baseline, candidate].map((group) => groups.findIndex(({ key }) => key === group.key));
  if (rows.length === 0) return <Text size="sm">How long the phases took has not been recorded.</Text>;
  return (
    <section aria-label="Time by phase">
      <table className={classes.plain} style={{ maxWidth: 900 }}>
        <thead>
          <tr>
            <th scope="col">Time and speed</th>
            <th scope="col">{baseline.title}</th>
            <th scope="col">{candidate.title}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.source} ${row.metric}`}>
              <th scope="row">{row.title}</th>
              {places.map((place) => {
                const cell = row.values[place];
                const written = cell && writtenCell(row.unit, cell);
                return (
                  <td key={place}>
                    {written ? `${written.value} ${written.spread}` : '–'}{' '}
                    {written?.delta && place !== places[0] && (
                      <span className={classes.delta} data-better={written.better ?? undefined}>
                        {written.delta}
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const signs: Record<LogLine['kind'], string> = { same: '  ', added: '+ ', removed: '- ', skipped: '… ' };

function Logs({
  compared,
  baseline,
  candidate,
}: {
  compared: Compared;
  baseline: string;
  candidate: string;
}) {
  const live = (id: string) => liveStates.includes(compared.runs.get(id)?.state ?? 'completed');
  const mine = useRunLog(baseline, live(baseline));
  const theirs = useRunLog(candidate, live(candidate));
  const complete = mine.complete && theirs.complete;
  const lines = useMemo(
    () => (complete ? logDiff(shownLines(mine.log), shownLines(theirs.log)) : null),
    [complete, mine.log, theirs.log],
  );
  const failed = mine.error ?? theirs.error;
  if (failed) return <ErrorView info={failed} title="The logs could not be read" />;
  if (!lines) return <Skeleton h={200} aria-label="Reading the logs" />;
  return (
    <section aria-label="Logs" className={classes.card}>
      <Text size="sm" fw={600}>
        Logs, line by line
      </Text>
      <Text size="xs" c="dimmed" mb="xs">
        − only in the baseline, + only in the candidate; times are not compared
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard */}
      <section className={classes.log} tabIndex={0} aria-label="Differences of the logs">
        {lines.map(({ kind, text }, k) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and never move
          <div key={k} data-kind={kind}>
            {signs[kind]}
            {text}
          </div>
        ))}
        {lines.length === 0 && <div>Both logs are empty.</div>}
      </section>
    </section>
  );
}
