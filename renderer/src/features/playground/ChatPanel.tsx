import { useState } from 'react';
import { Conversation } from './Conversation.tsx';
import type { Side } from './chat.ts';
import classes from './Playground.module.css';
import { PromptBox } from './PromptBox.tsx';
import { SamplingPanel } from './SamplingPanel.tsx';
import { loadSamplingState, nextSeed, type SamplingState, saveSamplingState } from './sampling-state.ts';
import { type ChatTarget, sidesOf, useChat } from './use-chat.ts';

interface Props {
  target: ChatTarget;
  names: Readonly<Record<Side, string>>;
}

/** One conversation with a base model and what was made of it. */
export function ChatPanel({ target, names }: Props) {
  const [state, setState] = useState(() => loadSamplingState(globalThis.localStorage));
  const change = (next: SamplingState) => {
    setState(next);
    saveSamplingState(globalThis.localStorage, next);
  };
  const chat = useChat(target, { system: state.system, sampling: state.sampling });
  return (
    <div className={classes.layout}>
      <div className={classes.main}>
        <Conversation turns={chat.turns} sides={sidesOf(target)} names={names} session={chat.session} />
        <PromptBox
          busy={chat.busy}
          hasTurns={chat.turns.length > 0}
          onSend={(prompt) => chat.send(prompt, nextSeed(state))}
          onStop={chat.stop}
          onRegenerate={() => chat.regenerate(nextSeed(state))}
          onClear={chat.clear}
        />
      </div>
      <aside className={classes.side} aria-label="Settings of the answers">
        <SamplingPanel state={state} onChange={change} />
      </aside>
    </div>
  );
}
