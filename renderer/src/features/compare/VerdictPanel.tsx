/** Which is better, and whether that is real: in words, each candidate against the baseline. */
import { Badge, Button, Collapse, Group, Skeleton, Stack, Text, UnstyledButton } from '@mantine/core';
import {
  type Icon,
  IconArrowDownRight,
  IconArrowUpRight,
  IconEqual,
  IconQuestionMark,
} from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import {
  evaluatedTitle,
  leadOf,
  outcomeTitles,
  type Verdict,
} from '../../../../electron/shared/runs/comparison.ts';
import { DEFAULT_SET } from '../../../../electron/shared/runs/event-line.ts';
import { formatValue } from '../../charts/format.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { SeedsDialog } from './SeedsDialog.tsx';
import { type Answer, useAnswer } from './use-answer.ts';

const looks: Record<Verdict['outcome'], { icon: Icon; color: string }> = {
  better: { icon: IconArrowUpRight, color: 'teal' },
  worse: { icon: IconArrowDownRight, color: 'red' },
  no_difference: { icon: IconEqual, color: 'gray' },
  not_comparable: { icon: IconQuestionMark, color: 'yellow' },
};

/** Verdicts that are shown before more are asked for. */
const FIRST = 6;

export const useVerdicts = ({ view, groups, stamp }: Compared): Answer<Verdict[]> =>
  useAnswer('compare.verdicts', groups.length > 1 ? { view } : null, stamp);

export function VerdictPanel({ compared, verdicts }: { compared: Compared; verdicts: Answer<Verdict[]> }) {
  const { groups, baseline } = compared;
  const [all, setAll] = useState(false);
  const [seeds, setSeeds] = useState<LookedGroup | null>(null);
  if (groups.length < 2)
    return (
      <Text size="sm" c="dimmed">
        {groups.length === 1
          ? 'All of these are one group. Add another run, or group by a setting, to compare.'
          : ''}
      </Text>
    );
  if (verdicts.error)
    return <ErrorView info={verdicts.error} title="The verdict could not be made" onRetry={verdicts.again} />;
  if (!verdicts.data) return <Skeleton h={60} aria-label="Reading the evaluated rows" />;
  const byCandidate = candidatesOf(verdicts.data);
  const shown = all ? byCandidate : byCandidate.slice(0, FIRST);
  return (
    <section aria-label="Verdict" className={classes.verdicts} aria-busy={verdicts.waiting || undefined}>
      <Text size="sm" c="dimmed" mb={6}>
        Against the baseline{' '}
        <Text span fw={550} c="var(--mantine-color-text)">
          {baseline?.title}
        </Text>
        , on the same evaluated rows
      </Text>
      <Stack gap={10}>
        {shown.map((own) => {
          const group = groups.find(({ key }) => key === own[0]?.candidate);
          return group ? (
            <OneCandidate key={group.key} verdicts={own} group={group} onSeeds={() => setSeeds(group)} />
          ) : null;
        })}
      </Stack>
      {byCandidate.length > FIRST && (
        <Button size="compact-xs" variant="subtle" mt="xs" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${byCandidate.length}`}
        </Button>
      )}
      {seeds && baseline && (
        <SeedsDialog groups={[baseline, seeds]} compared={compared} onClose={() => setSeeds(null)} />
      )}
    </section>
  );
}

/** Verdicts of each candidate together, in the order of the candidates. */
export function candidatesOf(verdicts: readonly Verdict[]): Verdict[][] {
  const found = new Map<string, Verdict[]>();
  for (const verdict of verdicts)
    found.set(verdict.candidate, [...(found.get(verdict.candidate) ?? []), verdict]);
  return [...found.values()];
}

/** The set that tells is on top, the others below it. */
function OneCandidate(props: { verdicts: readonly Verdict[]; group: LookedGroup; onSeeds: () => void }) {
  const { verdicts, group, onSeeds } = props;
  const [open, setOpen] = useState(false);
  const lead = leadOf(verdicts);
  if (!lead) return null;
  const others = verdicts.filter((one) => one !== lead);
  return (
    <div>
      <OneSet verdict={lead} named={lead.set !== DEFAULT_SET}>
        <Swatch line={group.look} />{' '}
        <Text span fw={600}>
          {group.title}
        </Text>
      </OneSet>
      {others.map((verdict) => (
        <OneSet key={verdict.set} verdict={verdict} named />
      ))}
      <Group gap="md" mt={2}>
        {verdicts.some(({ tests }) => tests.length > 0) && (
          <UnstyledButton className={classes.more ?? ''} aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? 'Hide the tests' : 'How it was tested'}
          </UnstyledButton>
        )}
        {lead.seedNoise === 'unknown' && lead.outcome !== 'not_comparable' && (
          <UnstyledButton className={classes.more ?? ''} onClick={onSeeds}>
            Two more seeds of each…
          </UnstyledButton>
        )}
      </Group>
      <Collapse expanded={open}>{open && <Tests verdicts={verdicts} title={group.title} />}</Collapse>
    </div>
  );
}

function OneSet(props: { verdict: Verdict; named: boolean; children?: ReactNode }) {
  const { verdict, named, children } = props;
  const { icon: Glyph, color } = looks[verdict.outcome];
  const label = outcomeTitles[verdict.outcome];
  // The badge says the outcome; the sentence goes on from there.
  const sentence = verdict.sentence.replace(/^(Better|Worse|Not comparable): /, '');
  return (
    <Group gap="sm" wrap="nowrap" align="flex-start" mt={children ? 0 : 4}>
      <Badge
        variant="light"
        color={color}
        mt={1}
        style={{ flexShrink: 0 }}
        leftSection={<Glyph size={13} aria-hidden />}
        c={`light-dark(color-mix(in srgb, var(--mantine-color-${color}-9) 80%, black), var(--mantine-color-${color}-3))`}
      >
        {label}
      </Badge>
      <div style={{ minWidth: 0 }}>
        <Text size="sm">
          {children}
          {named && `${children ? ', ' : ''}${evaluatedTitle(verdict.set)}`}:{' '}
          {sentence.charAt(0).toLowerCase() + sentence.slice(1)}
        </Text>
        {verdict.notes.map((note) => (
          <Text key={note} size="xs" c="dimmed">
            {note}
          </Text>
        ))}
      </div>
    </Group>
  );
}

/** Every metric of every set. */
function Tests({ verdicts, title }: { verdicts: readonly Verdict[]; title: string }) {
  return (
    <div className={classes.tests}>
      <table className={classes.plain} aria-label={`Tests of ${title}`}>
        <thead>
          <tr>
            {[
              'Rows of',
              'Metric',
              'Difference',
              '95 % interval',
              'p',
              'p, corrected',
              'Seeds',
              'Outcome',
              'Test',
            ].map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {verdicts.flatMap(({ set, tests }) =>
            tests.map((test) => (
              <tr key={`${set} ${test.metric}`}>
                <td>{evaluatedTitle(set)}</td>
                <th scope="row">{test.title}</th>
                <td>
                  {inUnit(test.difference, test.unit)} {test.unit === 'share' ? 'points' : test.unit}
                </td>
                <td>
                  {test.low === null || test.high === null
                    ? ''
                    : `${inUnit(test.low, test.unit)} to ${inUnit(test.high, test.unit)}`}
                </td>
                <td>{formatValue(test.p)}</td>
                <td>{formatValue(test.adjusted)}</td>
                <td>
                  {test.seeds ? `p = ${formatValue(test.seeds.p)}, n = ${test.seeds.n} (t test)` : 'unknown'}
                </td>
                <td>{outcomeTitles[test.outcome]}</td>
                <td>{test.test}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Shares in percentage points. */
const inUnit = (value: number, unit: string) => formatValue(unit === 'share' ? 100 * value : value);
