/** What was asked and what both models answered, side by side. */
import { Button, Loader, Text } from '@mantine/core';
import { IconArrowDown } from '@tabler/icons-react';
import { formatValue } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { type Answer, answerSpeed, isOpen, type Side, type Turn, type Turns } from './chat.ts';
import classes from './Playground.module.css';
import type { Chat } from './use-chat.ts';
import { useStickToEnd } from './use-stick-to-end.ts';

interface Props {
  turns: Turns;
  sides: readonly Side[];
  names: Readonly<Record<Side, string>>;
  session: Chat['session'];
}

export function Conversation({ turns, sides, names, session }: Props) {
  const { box, stuck, onScroll, toEnd } = useStickToEnd(turns);
  return (
    <div className={classes.conversation}>
      <div className={classes.names} data-sides={sides.length}>
        {sides.map((side) => (
          <Text key={side} size="sm" fw={600} truncate title={names[side]}>
            {names[side]}
          </Text>
        ))}
      </div>
      <section
        ref={box}
        className={classes.scroll}
        onScroll={onScroll}
        aria-label="Conversation"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
      >
        {turns.length === 0 && (
          <Text c="dimmed" size="sm" py="xl" ta="center">
            {sides.length === 2
              ? 'Ask something. Both models answer, so that you see what the training changed.'
              : 'Ask something. Choose a run as well to compare its result with the base model.'}
          </Text>
        )}
        {turns.map((turn) => (
          <article key={turn.id} className={classes.turn} aria-label={`Question: ${turn.prompt}`}>
            <div className={classes.question}>{turn.prompt}</div>
            <div className={classes.answers} data-sides={sides.length}>
              {sides.map((side) => (
                <AnswerView
                  key={side}
                  name={names[side]}
                  answer={turn.answers[side]}
                  waiting={reason(turn, side, session)}
                />
              ))}
            </div>
          </article>
        ))}
      </section>
      {!stuck && (
        <Button
          className={classes.toEnd ?? ''}
          size="compact-xs"
          variant="default"
          leftSection={<IconArrowDown size={12} aria-hidden />}
          onClick={toEnd}
        >
          To the end
        </Button>
      )}
      <Spoken turns={turns} sides={sides} names={names} />
    </div>
  );
}

/** Why nothing has come yet. */
function reason(turn: Turn, side: Side, session: Chat['session']): string {
  if (session === 'opening') return 'Loading the model';
  if (side === 'tuned' && isOpen(turn.answers.base)) return 'Answers after the base model';
  return 'Reading the prompt';
}

function AnswerView({
  name,
  answer,
  waiting,
}: {
  name: string;
  answer: Answer | undefined;
  waiting: string;
}) {
  if (!answer) return <div className={classes.answer} />;
  const speed = answerSpeed(answer);
  return (
    <div className={classes.answer} data-state={answer.state}>
      {answer.state === 'waiting' && (
        <Text size="sm" c="dimmed" className={classes.waiting ?? ''}>
          <Loader size={12} aria-hidden /> {waiting}
        </Text>
      )}
      {answer.text && (
        <div className={classes.text}>
          {answer.text}
          {answer.state === 'streaming' && <span className={classes.caret} aria-hidden />}
        </div>
      )}
      {answer.error && <ErrorView info={answer.error} title={`${name} gave no whole answer`} />}
      {answer.tokens > 0 && (
        <Text size="xs" c="dimmed" mt="auto" pt={6}>
          {plural(answer.tokens, 'token')}
          {speed !== null && `, ${formatValue(Number(speed.toPrecision(3)))} tokens/s`}
          {answer.finish === 'length' && ', cut at the answer length'}
          {answer.state === 'stopped' && ', stopped'}
        </Text>
      )}
      {answer.state === 'done' && answer.text === '' && (
        <Text size="sm" c="dimmed">
          (an empty answer)
        </Text>
      )}
      {answer.state === 'stopped' && answer.tokens === 0 && (
        <Text size="sm" c="dimmed">
          Stopped before the first word
        </Text>
      )}
    </div>
  );
}

/** Reads finished answers to those who listen; words that still come in would only be noise. */
function Spoken({ turns, sides, names }: Omit<Props, 'session'>) {
  const last = turns.at(-1);
  const finished = sides.filter((side) => last?.answers[side]?.state === 'done');
  return (
    <div className={classes.spoken} aria-live="polite" role="log" aria-label="Finished answers">
      {finished.map((side) => (
        <p key={`${last?.id} ${side}`}>
          {names[side]} answered: {last?.answers[side]?.text || 'nothing'}
        </p>
      ))}
    </div>
  );
}
