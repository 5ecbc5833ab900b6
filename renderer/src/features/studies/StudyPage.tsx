/** The report of one study, which grows while its runs go on. */
import { Anchor, Progress, Skeleton, Stack, Text, Title } from '@mantine/core';
import {
  type StudyFigure,
  type StudyReport,
  type StudyTable,
  writtenCell,
} from '../../../../electron/shared/runs/study-report.ts';
import { href } from '../../app/route.ts';
import chartClasses from '../../charts/charts.module.css';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatNumber } from '../../components/format.ts';
import { Page } from '../../components/Page.tsx';
import { PointPlot } from '../compare/PointPlot.tsx';
import { useAnswer } from '../compare/use-answer.ts';
import { useLiveStamp } from '../compare/use-live-stamp.ts';
import { lookOf } from '../runs/run-looks.ts';
import sweeps from '../sweeps/Sweeps.module.css';
import { useSweeps } from '../sweeps/use-sweeps.ts';

export function StudyPage({ id }: { id: string }) {
  const card = useSweeps()?.find((one) => one.id === id);
  const stamp = useLiveStamp(card?.runs.map((run) => run.id) ?? []);
  const { data, error, again } = useAnswer('studies.report', { id }, stamp);
  return (
    <Page
      title={data?.name ?? 'Study'}
      back={{ label: 'Studies', href: href('studies') }}
      description={data && <Description report={data} />}
    >
      {error && <ErrorView title="The study could not be read" info={error} onRetry={again} />}
      {data ? <Report report={data} /> : !error && <Skeleton h={240} aria-busy />}
    </Page>
  );
}

const Description = ({ report }: { report: StudyReport }) => (
  <>
    {report.complete} of {report.runs} runs complete. {report.machine}{' '}
    <Anchor href={href('sweeps', report.id)} size="sm" underline="always">
      Its runs
    </Anchor>
  </>
);

function Report({ report }: { report: StudyReport }) {
  const { complete, runs, tables, figures, notes, left_out } = report;
  return (
    <Stack gap="lg" className={chartClasses.colors ?? ''}>
      {complete < runs && <Progress value={(100 * complete) / runs} aria-label="Runs complete" />}
      {figures
        .filter(({ points }) => points.length > 0)
        .map((figure) => (
          <Figure key={figure.title} figure={figure} />
        ))}
      {tables.map((table) => (
        <Table key={table.title} table={table} />
      ))}
      <Notes title="What is not the same, and what to know" lines={notes} />
      <Notes title="Left out" lines={left_out} />
    </Stack>
  );
}

function Figure({ figure }: { figure: StudyFigure }) {
  const series = [...new Set(figure.points.map((point) => point.series))];
  return (
    <PointPlot
      title={figure.title}
      points={figure.points.map((point, k) => ({
        key: String(k),
        label: point.label,
        color: lookOf(series.indexOf(point.series)).color,
        x: point.x,
        y: point.y,
      }))}
      xTitle={figure.x}
      yTitle={figure.y}
      formatX={formatNumber}
      formatY={formatNumber}
    />
  );
}

/** Letters of a cell that stays on one line. */
const SHORT = 40;

/** A column of numbers and shares, with what is missing. */
const numeric = (rows: StudyTable['rows'], column: number): boolean =>
  rows.some((row) => row[column] !== null) &&
  rows.every((row) => typeof row[column] !== 'string' || /^[\d.]+%$/.test(row[column]));

const Table = ({ table: { title, columns, rows } }: { table: StudyTable }) => (
  <section aria-label={title}>
    <Title order={2} size="h4" mb="xs">
      {title}
    </Title>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by keyboard */}
    <section className={sweeps.wide} tabIndex={0} aria-label={`Table: ${title}`}>
      <table className={sweeps.points}>
        <thead>
          <tr>
            {columns.map((column, k) => (
              <th key={column} scope="col" data-right={numeric(rows, k) || undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join()}>
              {row.map((cell, k) => (
                <td
                  key={columns[k]}
                  data-right={numeric(rows, k) || undefined}
                  data-short={writtenCell(cell).length < SHORT || undefined}
                >
                  {writtenCell(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  </section>
);

function Notes({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        {title}
      </Title>
      <ul>
        {lines.map((line) => (
          <Text key={line} component="li" size="sm" maw={900}>
            {line}
          </Text>
        ))}
      </ul>
    </section>
  );
}
