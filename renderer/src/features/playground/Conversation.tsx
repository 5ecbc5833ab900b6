/** What was asked and what all models answered, side by side. */
import { Button, Loader, Text } from '@mantine/core';
import { IconArrowDown } from '@tabler/icons-react';
import { formatValue } from '../../charts/format.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { plural } from '../../components/format.ts';
import { type Answer, answerSpeed, BASE, isOpen, type Side, type Turn, type Turns } from './chat.ts';
import classes from './Playground.module.css';
import type { Chat } from './use-chat.ts';
import { useStickToEnd } from './use-stick-to-end.ts';

interface Props {
  turns: Turns;
  sides: readonly Side[];
  names: Readonly<Record<Side, string>>;
  session: Chat['session'];
  /** Shown before anything was asked. */
  hint?: string;
  /** Why the first that is asked has not said anything yet. */
  first?: string;
}

export function Conversation({ turns, sides, names, session, hint, first = 'Reading the prompt' }: Props) {
  const { box, stuck, onScroll, toEnd } = useStickToEnd(turns);
  // More answers than fit side by side go on below: there each has its name above it.
  const columns = sides.length <= MAX_COLUMNS;
  return (
    <div className={classes.conversation}>
      {columns && (
        <div className={classes.names} data-sides={sides.length}>
          {sides.map((side) => (
            <NameOf key={side} name={names[side] ?? side} />
          ))}
        </div>
      )}
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
            {hint ??
              (sides.length > 1
                ? 'Ask something. Every model answers, so that you see what the training changed.'
                : 'Ask something. Choose runs as well to compare their results with the base model.')}
          </Text>
        )}
        {turns.map((turn) => (
          <article key={turn.id} className={classes.turn} aria-label={`Question: ${turn.prompt}`}>
            <div className={classes.question}>{turn.prompt}</div>
            <div className={classes.answers} data-sides={sides.length}>
              {sides.map((side) => (
                <AnswerView
                  key={side}
                  name={names[side] ?? side}
                  named={!columns}
                  answer={turn.answers[side]}
                  waiting={reason(turn, side, { sides, names, session, first })}
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

const MAX_COLUMNS = 3;

const NameOf = ({ name }: { name: string }) => (
  <Text size="sm" fw={600} truncate title={name}>
    {name}
  </Text>
);

/** Why nothing has come yet. */
type Waited = Required<Omit<Props, 'turns' | 'hint'>>;
function reason(turn: Turn, side: Side, { sides, names, session, first }: Waited): string {
  if (session === 'opening') return sides.length > 1 ? 'Loading the models' : 'Loading the model';
  const before = sides.slice(0, sides.indexOf(side)).findLast((other) => isOpen(turn.answers[other]));
  if (before === undefined) return first;
  return `Answers after ${before === BASE ? 'the base model' : names[before]}`;
}

function AnswerView({
  name,
  named,
  answer,
  waiting,
}: {
  name: string;
  /** Shows its name. */
  named: boolean;
  answer: Answer | undefined;
  waiting: string;
}) {
  if (!answer) return <div className={classes.answer} />;
  const speed = answerSpeed(answer);
  return (
    <div className={classes.answer} data-state={answer.state}>
      {named && <NameOf name={name} />}
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
function Spoken({ turns, sides, names }: Pick<Props, 'turns' | 'sides' | 'names'>) {
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
