/** Functions on a thread of their own: their results, their errors, and what stops them. */
import { expect, test } from 'vitest';
import { runApart } from '../../../electron/server/host/apart.ts';

const module = new URL('./slow-module.ts', import.meta.url);
const limits = { seconds: 30, memoryMb: 256, what: 'The file /x' };

test('results and coded errors come back', async () => {
  expect(await runApart(module, 'double', [21], limits)).toBe(42);
  await expect(runApart(module, 'fails', [], limits)).rejects.toMatchObject({
    code: 'model.bad_config',
    hint: 'Do.',
    data: { path: '/x' },
  });
});

test('what has no end, takes all memory, ends itself or is cancelled is stopped by name; others are answered meanwhile', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  await expect(runApart(module, 'endless', [], { ...limits, seconds: 1 })).rejects.toThrow(
    'The file /x took more than 1 seconds',
  );
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
  await expect(runApart(module, 'hungry', [], { ...limits, memoryMb: 64 })).rejects.toThrow(
    'needs more than 64 MB of memory',
  );
  await expect(runApart(module, 'ends', [], limits)).rejects.toThrow('ended without an answer');
  const abort = new AbortController();
  const work = runApart(module, 'endless', [], { ...limits, signal: abort.signal });
  abort.abort();
  await expect(work).rejects.toMatchObject({ code: 'job.cancelled' });
});
