/** Answers without their names, on random sides: which is better? The sign test says whether the votes could be chance. */
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { formatValue } from '../../charts/format.ts';
import { plural } from '../../components/format.ts';
import classes from './Compare.module.css';
import { type Ballot, ballots, type SamplePair } from './sample-pairs.ts';
import { useAnswer } from './use-answer.ts';

interface Props {
  pairs: readonly SamplePair[];
  steps: readonly number[];
  names: readonly [string, string];
  onClose: () => void;
}

export function BlindVote({ pairs, steps, names, onClose }: Props) {
  const [cast] = useState(() => ballots(pairs, steps));
  const [votes, setVotes] = useState<readonly ('baseline' | 'candidate' | 'tied')[]>([]);
  const ballot = cast[votes.length];
  const leave = (
    <Button size="xs" variant="default" onClick={onClose}>
      {ballot ? 'Leave the vote' : 'Back to the samples'}
    </Button>
  );
  if (!ballot)
    return (
      <Stack gap="md" align="flex-start">
        {cast.length === 0 ? (
          <Text size="sm">Their answers are the same everywhere: there is nothing to vote on.</Text>
        ) : (
          <Outcome votes={votes} names={names} />
        )}
        {leave}
      </Stack>
    );
  const vote = (side: 'left' | 'right' | 'tied') =>
    setVotes([
      ...votes,
      side === 'tied' ? 'tied' : (side === 'left') === ballot.swapped ? 'candidate' : 'baseline',
    ]);
  return (
    <Stack gap="md">
      <Group>
        <Text size="sm">
          {votes.length + 1} of {plural(cast.length, 'pair')}
        </Text>
        <Progress value={(100 * votes.length) / cast.length} w={200} aria-label="Votes cast" />
        {leave}
      </Group>
      <Pair ballot={ballot} pair={pairs[ballot.pair] as SamplePair} />
      <Group>
        <Button onClick={() => vote('left')}>Left is better</Button>
        <Button variant="default" onClick={() => vote('tied')}>
          No difference
        </Button>
        <Button onClick={() => vote('right')}>Right is better</Button>
      </Group>
    </Stack>
  );
}

function Pair({ ballot: { step, swapped }, pair }: { ballot: Ballot; pair: SamplePair }) {
  const sides = swapped ? [pair.candidate, pair.baseline] : [pair.baseline, pair.candidate];
  return (
    <section className={classes.card} aria-label="Which answer is better?">
      <Text size="sm" fw={600} mb="xs">
        {pair.prompt}
      </Text>
      <div className={classes.two}>
        {sides.map((side, k) => (
          <div key={k === 0 ? 'left' : 'right'}>
            <Text size="xs" c="dimmed" mb={2}>
              {k === 0 ? 'Left' : 'Right'}
            </Text>
            <div className={classes.answer}>{side.get(step) || '(an empty answer)'}</div>
          </div>
        ))}
      </div>
    </section>
  );
}

function Outcome({ votes, names }: { votes: readonly string[]; names: readonly [string, string] }) {
  const count = (side: string) => votes.filter((vote) => vote === side).length;
  const [won, lost, tied] = [count('candidate'), count('baseline'), count('tied')];
  const { data } = useAnswer('compare.vote', { won, lost });
  return (
    <div role="status">
      <Text size="sm">
        {names[1]} was better {won} times, {names[0]} {lost} times, {tied} times neither.
      </Text>
      {data && (
        <Text size="sm" fw={600}>
          {data.p <= 0.05
            ? `${won > lost ? names[1] : names[0]} is preferred (exact sign test, p = ${formatValue(data.p)}).`
            : `This may be chance (exact sign test, p = ${formatValue(data.p)}).`}
        </Text>
      )}
    </div>
  );
}
