/**
 * Greedy answers of llama.cpp (npm node-llama-cpp, its prebuilt library) to given prompts: one JSON line a round, as `collie-rank generate`
 * prints them.
 *
 *   node llama-generate.mjs <folder with node_modules> <model.gguf> <ids.json> <new tokens> <at once> <rounds> <threads>
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, modelPath, idsFile, ...numbers] = process.argv.slice(2);
const [newTokens, atOnce, rounds, threads] = numbers.map(Number);
const prompts = JSON.parse(readFileSync(idsFile, 'utf8'));

const entry = createRequire(join(folder, 'package.json')).resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads });
const model = await llama.loadModel({ modelPath });
const longest = Math.max(...prompts.map(({ length }) => length));
const context = await model.createContext({
  sequences: atOnce,
  contextSize: longest + newTokens + 1,
  batchSize: Math.max(512, atOnce),
  threads,
});

async function answer(sequence, prompt) {
  const ids = [];
  await sequence.clearHistory();
  // What ends an answer is a token like others here: both sides compute as many.
  for await (const token of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    ids.push(token);
    if (ids.length === newTokens) break;
  }
  return ids;
}

/** Each sequence takes the next prompt when it is done with one. */
async function round(sequences) {
  const answers = [];
  let next = 0;
  await Promise.all(
    sequences.map(async (sequence) => {
      while (next < prompts.length) {
        const place = next++;
        answers[place] = await answer(sequence, prompts[place]);
      }
    }),
  );
  return answers;
}

const sequences = Array.from({ length: atOnce }, () => context.getSequence());
for (let done = 0; done < rounds; done++) {
  const begin = performance.now();
  const answers = await round(sequences);
  const seconds = (performance.now() - begin) / 1000;
  console.log(JSON.stringify({ seconds, tokens: answers.flat().length, answers }));
}
await llama.dispose();
