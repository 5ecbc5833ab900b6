/** The same prompts answered by two runs: side by side, word by word, and in a blind vote. */
import { Button, Group, SegmentedControl, Skeleton, Slider, Stack, Text } from '@mantine/core';
import { IconQuote } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { EmptyState } from '../../components/EmptyState.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatInteger } from '../../components/format.ts';
import { BlindVote } from './BlindVote.tsx';
import classes from './Compare.module.css';
import type { Compared, LookedGroup } from './compared.ts';
import { EmptyAnswer, MarkedText } from './MarkedText.tsx';
import { commonSteps, type SamplePair, samplePairs } from './sample-pairs.ts';
import { useAnswer } from './use-answer.ts';

export function SamplesTab({ compared, candidate }: { compared: Compared; candidate: LookedGroup }) {
  const { baseline, stamp } = compared;
  const mine = useAnswer('runs.get', baseline && { id: baseline.key }, stamp);
  const theirs = useAnswer('runs.get', { id: candidate.key }, stamp);
  const pairs = useMemo(() => {
    if (!mine.data || !theirs.data) return null;
    const of = ({ samples, status }: NonNullable<typeof mine.data>) => ({ samples, lastStep: status.step });
    return samplePairs(of(mine.data), of(theirs.data));
  }, [mine.data, theirs.data]);
  const failed = mine.error ?? theirs.error;
  if (failed) return <ErrorView info={failed} title="The samples could not be read" />;
  if (!pairs) return <Skeleton h={240} aria-label="Reading the samples" />;
  if (pairs.length === 0)
    return (
      <EmptyState
        icon={IconQuote}
        title="They answered no prompt in common"
        text="Give both runs the same sample prompts in the form. They are answered at every evaluation."
      />
    );
  return <Pairs pairs={pairs} names={[baseline?.title ?? '', candidate.title]} />;
}

interface Props {
  pairs: readonly SamplePair[];
  names: readonly [string, string];
}

function Pairs({ pairs, names }: Props) {
  const steps = useMemo(() => commonSteps(pairs), [pairs]);
  const [place, setPlace] = useState<number | null>(null);
  const [view, setView] = useState<'two' | 'words'>('words');
  const [voting, setVoting] = useState(false);
  const at = Math.min(place ?? steps.length - 1, steps.length - 1);
  const step = steps[at] ?? 0;
  if (voting) return <BlindVote pairs={pairs} steps={steps} names={names} onClose={() => setVoting(false)} />;
  return (
    <Stack gap="md">
      <Group gap="lg">
        <SegmentedControl
          size="xs"
          aria-label="How answers are shown"
          data={[
            { value: 'words', label: 'Differing words marked' },
            { value: 'two', label: 'Plain' },
          ]}
          value={view}
          onChange={(value) => setView(value as typeof view)}
        />
        {steps.length > 1 && (
          <Group gap="sm">
            <Text size="sm" id="compare-step">
              Step {formatInteger(step)}
            </Text>
            <Slider
              w={260}
              size="sm"
              min={0}
              max={steps.length - 1}
              value={at}
              onChange={setPlace}
              label={(value) => formatInteger(steps[value] ?? 0)}
              thumbProps={{ 'aria-labelledby': 'compare-step' }}
            />
          </Group>
        )}
        <Button size="xs" variant="default" onClick={() => setVoting(true)}>
          Vote blind…
        </Button>
      </Group>
      {pairs.map((pair, k) => (
        <section key={pair.prompt} aria-label={`Prompt ${k + 1}`} className={classes.card}>
          <Text size="sm" fw={600} mb="xs">
            {pair.prompt}
          </Text>
          <div className={classes.two}>
            <Answer
              name={`${names[0]} (baseline)`}
              pair={pair}
              step={step}
              side="baseline"
              words={view === 'words'}
            />
            <Answer name={names[1]} pair={pair} step={step} side="candidate" words={view === 'words'} />
          </div>
        </section>
      ))}
    </Stack>
  );
}

interface AnswerProps {
  name: string;
  pair: SamplePair;
  step: number;
  side: 'baseline' | 'candidate';
  words: boolean;
}

function Answer({ name, pair, step, side, words }: AnswerProps) {
  const text = pair[side].get(step);
  const [before, after] = [pair.baseline.get(step), pair.candidate.get(step)];
  return (
    <div>
      <Text size="xs" c="dimmed" mb={2}>
        {name}
      </Text>
      <div className={classes.answer}>
        {text === undefined ? (
          <Text span c="dimmed">
            Not sampled at this step
          </Text>
        ) : words && before !== undefined && after !== undefined ? (
          <MarkedText before={before} after={after} side={side} />
        ) : (
          text || <EmptyAnswer />
        )}
      </div>
    </div>
  );
}
