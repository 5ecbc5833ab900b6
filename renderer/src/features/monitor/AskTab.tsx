/** Asking the model while it trains. */
import { Anchor, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import { PAUSED, type RunStatus } from '../../../../electron/shared/runs/events.ts';
import { methodTraits } from '../../../../electron/shared/spec/method-traits.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { href } from '../../app/route.ts';
import { formatDuration } from '../../charts/format.ts';
import { Conversation } from '../playground/Conversation.tsx';
import { BASE } from '../playground/chat.ts';
import classes from '../playground/Playground.module.css';
import { PromptBox } from '../playground/PromptBox.tsx';
import { SamplingPanel } from '../playground/SamplingPanel.tsx';
import {
  loadSamplingState,
  nextSeed,
  type SamplingState,
  saveSamplingState,
} from '../playground/sampling-state.ts';
import { isLive } from '../runs/run-view.ts';
import { LIVE, useLiveChat } from './use-live-chat.ts';

interface Props {
  status: RunStatus;
  spec: RunSpec;
}

/** A supervisor refuses what it is asked before its ranks are there, and while it ends. */
function waitsFor({ state }: RunStatus): string | null {
  if (state === 'running') return null;
  return state === 'stopping' ? 'The run stops.' : 'It can be asked once its training has started.';
}

export function AskTab({ status, spec }: Props) {
  const [state, setState] = useState(() => loadSamplingState(globalThis.localStorage));
  const [beside, setBeside] = useState(false);
  const change = (next: SamplingState) => {
    setState(next);
    saveSamplingState(globalThis.localStorage, next);
  };
  // A method that changes the weights of the model itself has no base left in memory.
  const hasBase = methodTraits(spec.method.type).adapter !== 'none';
  const sides = beside && hasBase ? [LIVE, BASE] : [LIVE];
  const chat = useLiveChat(status.id, { system: state.system, sampling: state.sampling, sides });
  const paused = status.phase === PAUSED;
  return (
    <div className={classes.layout}>
      <div className={classes.main}>
        <Conversation
          turns={chat.turns}
          sides={sides}
          names={{ [LIVE]: `The model at step ${status.step}`, [BASE]: 'Base model' }}
          session="open"
          hint="Ask something. The model answers between two steps, with the weights as they are then. The training waits for it and is not changed by it."
          first={paused ? 'Reading the prompt' : 'Answers after the current step'}
        />
        {isLive(status.state) ? (
          <PromptBox
            busy={chat.busy}
            hasTurns={chat.turns.length > 0}
            onSend={(prompt) => chat.send(prompt, nextSeed(state))}
            onStop={chat.stop}
            onRegenerate={() => chat.regenerate(nextSeed(state))}
            onClear={chat.clear}
            placeholder="Ask the model that trains"
            waitsFor={waitsFor(status)}
          />
        ) : (
          <Text size="sm">
            The run has ended.{' '}
            <Anchor href={href('playground', { run: status.id })} size="sm" underline="always">
              Ask its last checkpoint in the Playground
            </Anchor>
          </Text>
        )}
        {chat.waited > 0 && (
          <Text size="xs" c="dimmed" mt="xs">
            The training has waited {formatDuration(chat.waited)} for these answers.
          </Text>
        )}
      </div>
      <aside className={classes.side} aria-label="Settings of the answers">
        {hasBase && (
          <Switch
            label="Base model beside it"
            description="The same question without the trained adapter"
            mb="md"
            checked={beside}
            onChange={(event) => setBeside(event.currentTarget.checked)}
          />
        )}
        <SamplingPanel state={state} onChange={change} />
      </aside>
    </div>
  );
}
