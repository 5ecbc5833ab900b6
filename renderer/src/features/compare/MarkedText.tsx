/** One of two texts, with the words marked that the other has not. */
import { Text } from '@mantine/core';
import { useMemo } from 'react';
import { type Piece, wordDiff } from './sample-pairs.ts';

interface Props {
  before: string;
  after: string;
  side: 'baseline' | 'candidate';
}

export function MarkedText({ before, after, side }: Props) {
  const pieces = useMemo(() => {
    const hidden: Piece['kind'] = side === 'baseline' ? 'added' : 'removed';
    return wordDiff(before, after).filter(({ kind }) => kind !== hidden);
  }, [before, after, side]);
  if ((side === 'baseline' ? before : after) === '') return <EmptyAnswer />;
  return pieces.map(({ text, kind }, k) => {
    const Tag = kind === 'added' ? 'ins' : kind === 'removed' ? 'del' : 'span';
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other name, and never move
    return <Tag key={k}>{text}</Tag>;
  });
}

export const EmptyAnswer = () => (
  <Text span c="dimmed">
    (an empty answer)
  </Text>
);
