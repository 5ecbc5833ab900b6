/** Which is better, and whether that is real: in words, each candidate against the baseline. */
import { Badge, Button, Collapse, Group, List, Skeleton, Stack, Text, UnstyledButton } from '@mantine/core';
import {
  type Icon,
  IconArrowDownRight,
  IconArrowUpRight,
  IconEqual,
  IconQuestionMark,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { Verdict } from '../../../../electron/shared/runs/comparison.ts';
import { formatValue } from '../../charts/format.ts';
import { Swatch } from '../../charts/Swatch.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { SeedsDialog } from './SeedsDialog.tsx';
import { type Answer, useAnswer } from './use-answer.ts';

const looks: Record<Verdict['outcome'], { label: string; icon: Icon; color: string }> = {
  better: { label: 'Better', icon: IconArrowUpRight, color: 'teal' },
  worse: { label: 'Worse', icon: IconArrowDownRight, color: 'red' },
  no_difference: { label: 'No difference seen', icon: IconEqual, color: 'gray' },
  not_comparable: { label: 'Not comparable', icon: IconQuestionMark, color: 'yellow' },
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
  const shown = all ? verdicts.data : verdicts.data.slice(0, FIRST);
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
        {shown.map((verdict) => {
          const group = groups.find(({ key }) => key === verdict.candidate);
          return group ? (
            <OneVerdict
              key={verdict.candidate}
              verdict={verdict}
              group={group}
              onSeeds={() => setSeeds(group)}
            />
          ) : null;
        })}
      </Stack>
      {verdicts.data.length > FIRST && (
        <Button size="compact-xs" variant="subtle" mt="xs" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${verdicts.data.length}`}
        </Button>
      )}
      {seeds && baseline && (
        <SeedsDialog groups={[baseline, seeds]} compared={compared} onClose={() => setSeeds(null)} />
      )}
    </section>
  );
}

function OneVerdict(props: { verdict: Verdict; group: LookedGroup; onSeeds: () => void }) {
  const { verdict, group, onSeeds } = props;
  const [open, setOpen] = useState(false);
  const { label, icon: Glyph, color } = looks[verdict.outcome];
  // The badge says the outcome; the sentence goes on from there.
  const sentence = verdict.sentence.replace(/^(Better|Worse|Not comparable): /, '');
  return (
    <div>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <Badge
          variant="light"
          color={color}
          mt={1}
          leftSection={<Glyph size={13} aria-hidden />}
          c={`light-dark(color-mix(in srgb, var(--mantine-color-${color}-9) 80%, black), var(--mantine-color-${color}-3))`}
        >
          {label}
        </Badge>
        <div style={{ minWidth: 0 }}>
          <Text size="sm">
            <Swatch line={group.look} />{' '}
            <Text span fw={600}>
              {group.title}
            </Text>
            : {sentence.charAt(0).toLowerCase() + sentence.slice(1)}
          </Text>
          {verdict.notes.map((note) => (
            <Text key={note} size="xs" c="dimmed">
              {note}
            </Text>
          ))}
          <Group gap="md" mt={2}>
            {verdict.tests.length > 0 && (
              <UnstyledButton
                className={classes.more ?? ''}
                aria-expanded={open}
                onClick={() => setOpen(!open)}
              >
                {open ? 'Hide the tests' : 'How it was tested'}
              </UnstyledButton>
            )}
            {verdict.seedNoise === 'unknown' && verdict.outcome !== 'not_comparable' && (
              <UnstyledButton className={classes.more ?? ''} onClick={onSeeds}>
                Two more seeds of each…
              </UnstyledButton>
            )}
          </Group>
          <Collapse expanded={open}>
            <List size="xs" mt={4}>
              {verdict.tests.map((test) => (
                <List.Item key={test.metric}>
                  {test.title}: {formatValue(test.difference)} {test.unit}
                  {test.low !== null && test.high !== null
                    ? `, 95 % interval ${formatValue(test.low)} to ${formatValue(test.high)}`
                    : ''}
                  , p = {formatValue(test.p)}, corrected {formatValue(test.adjusted)} ({test.test})
                </List.Item>
              ))}
              {verdict.seeds && (
                <List.Item>
                  Over {verdict.seeds.n} seeds: {formatValue(verdict.seeds.difference)}, p ={' '}
                  {formatValue(verdict.seeds.p)} (t test of the losses of whole runs)
                </List.Item>
              )}
            </List>
          </Collapse>
        </div>
      </Group>
    </div>
  );
}
