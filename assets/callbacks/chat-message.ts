/**
 * Sends a message to a chat (Slack, Mattermost, Discord with `/slack` behind its address) when the run starts and when it ends. The address is in the environment:
 * COLLIE_CHAT_URL. Without it the message is only printed.
 */
import type { Callback, RunInfo } from './collie-callbacks.d.ts';

let loss: number | null = null;

async function say(text: string, { name }: RunInfo): Promise<void> {
  const message = `${name}: ${text}`;
  console.log(message);
  const url = process.env.COLLIE_CHAT_URL;
  if (!url) return;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: message }),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) console.error(`the chat answered ${response.status}`);
  } catch (error) {
    // What is thrown here would end the callback, and the message at the end would be missing too.
    console.error(error);
  }
}

export default {
  limitSeconds: 20,
  async onStart({ totalSteps, device }, run) {
    await say(`starts on ${device}, ${totalSteps} steps`, run);
  },
  onEvaluation({ set, metrics }) {
    if (set === 'eval') loss = metrics.loss ?? null;
  },
  async onEnd({ state, error }, run) {
    const result = loss === null ? '' : `, evaluation loss ${loss.toFixed(3)}`;
    await say(error ? `failed: ${error.message}` : `${state}${result}`, run);
  },
} satisfies Callback;
