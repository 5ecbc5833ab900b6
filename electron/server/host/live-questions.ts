/** What a page asks the live weights of a run: messages to tokens, tokens to text. */
import type { TopicEvent, TopicParsed } from '../../shared/api/api.ts';
import { CollieError } from '../../shared/errors.ts';
import { methodTitle, methodTraits } from '../../shared/spec/method-traits.ts';
import { modelOfRun } from '../models/of-run.ts';
import { askRun } from '../runs/live-answers.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { StreamDecoder } from '../tokenize/stream.ts';
import type { Services } from './services.ts';

/** Of question and answer together, so that no training waits for ever; the engine takes any. */
const MAX_CONTEXT = 4096;

export async function* askLive(
  { runs, models }: Services,
  { id, adapter, messages, sampling }: TopicParsed<'runs.ask'>,
  signal: AbortSignal,
): AsyncGenerator<TopicEvent<'runs.ask'>> {
  const spec = runs.spec(id);
  if (!adapter && methodTraits(spec.method.type).adapter === 'none')
    throw new CollieError(
      'request.invalid',
      `${methodTitle(spec.method.type)} trains the weights of the model itself: its base is not in memory any more.`,
      'Open the base model in the Playground.',
      { id },
    );
  const tokenizer = await loadTokenizer(spec.model);
  const ids = [...(await tokenizer.prompt({ messages }))];
  const modelId = await modelOfRun(runs.dir(id), spec.model, await models.folders());
  const context = Math.min(
    modelId === null ? MAX_CONTEXT : (await models.get(modelId)).contextLength,
    MAX_CONTEXT,
  );
  const room = context - ids.length;
  if (room < 1)
    throw new CollieError(
      'request.invalid',
      `The conversation has ${ids.length} tokens; a model that trains answers up to ${context}.`,
      'Start a new conversation.',
      { tokens: ids.length, context },
    );
  const request = {
    adapter,
    ids,
    stop_ids: [...tokenizer.stopIds],
    max_new_tokens: Math.min(sampling.maxNewTokens, room),
    temperature: sampling.temperature,
    top_k: sampling.topK,
    top_p: sampling.topP,
    seed: sampling.seed,
  };
  const decoder = new StreamDecoder(tokenizer);
  let tokens = 0;
  let begun = 0;
  for await (const line of askRun(runs, id, request, signal)) {
    if (line.kind === 'done') {
      const { seconds, finish, step } = line;
      yield { text: await decoder.end(), done: true, tokens, seconds, finish, step };
      continue;
    }
    if (tokens === 0) begun = performance.now();
    tokens += 1;
    const text = await decoder.push(line.token);
    const seconds = (performance.now() - begun) / 1000;
    if (text !== '') yield { text, done: false, tokens, seconds, finish: null, step: null };
  }
}
