/** One question to a base model and to what a run made of it. */
import type { Host } from '../server/host.ts';

const MAX_NEW_TOKENS = 64;

/** Greedy, so that the answers are the same each time. */
export async function answerBoth(
  host: Host,
  modelId: string,
  runId: string,
  question: string,
): Promise<{ base: string; tuned: string }> {
  const { sessionId } = await host.call('playground.open', { modelId, tuned: [{ runId }] });
  const ask = async (tuned: number | null) => {
    const stop = new AbortController();
    const params = {
      sessionId,
      tuned,
      messages: [{ role: 'user' as const, content: question }],
      sampling: { temperature: 0, maxNewTokens: MAX_NEW_TOKENS },
    };
    let text = '';
    for await (const event of host.stream('playground.generate', params, stop.signal)) text += event.text;
    return text;
  };
  try {
    return { base: await ask(null), tuned: await ask(0) };
  } finally {
    await host.call('playground.close', { sessionId });
  }
}
