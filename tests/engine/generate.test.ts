/** collie-rank generate: as many tokens as asked for, the same however many answers are under way; what is no prompt is refused. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { errorOf, noEngine, temporaryFolder } from './support.ts';

describe.skipIf(noEngine)('collie-rank generate', () => {
  const home = temporaryFolder();
  const model = makeTinyModel(join(home, 'model'), { dtype: 'F32', tied: true });

  function generate(prompts: unknown, ...more: string[]) {
    const ids = join(home, 'ids.json');
    writeFileSync(ids, JSON.stringify(prompts));
    const args = ['--model', model, '--ids', ids, '--max-new-tokens', '12', '--threads', '1', ...more];
    return spawnSync(rankExecutable(), ['generate', ...args], { encoding: 'utf8' });
  }

  it('answers each prompt, alone and with others, and every round alike', () => {
    const prompts = [[5], [3, 9, 2], [7, 7], [1, 2, 3, 4, 5]];
    const lines = (...more: string[]) =>
      generate(prompts, ...more)
        .stdout.trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const [alone] = lines('--batch', '1');
    const [first, second, ...rest] = lines('--batch', '3', '--rounds', '2');
    expect(rest).toEqual([]);
    expect(alone.tokens).toBe(4 * 12);
    expect(alone.seconds).toBeGreaterThan(0);
    expect(first.answers).toEqual(alone.answers);
    expect(second.answers).toEqual(alone.answers);
  });

  it.each([
    ['no list of prompts', { prompt: [1] }, 'holds no list of prompts'],
    ['no prompt at all', [], 'holds no list of prompts'],
    ['an id that is no number', [[1, 'a']], 'holds no list of prompts'],
    ['an empty prompt', [[]], 'prompt'],
    ['an id outside of the vocabulary', [[1, 99_999_999_999]], 'vocabulary'],
    ['more than the context', [Array(5000).fill(1)], 'context'],
  ])('refuses %s', (_, prompts, said) => {
    const { status, stderr } = generate(prompts);
    expect(status).toBe(1);
    expect(errorOf(stderr)).toMatchObject({ code: 'request.invalid' });
    expect(stderr).toContain(said);
  });
});
