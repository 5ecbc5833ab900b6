import { expect, test } from 'vitest';
import { sparkline, watchFrame } from '../../electron/cli/watch-frame.ts';
import { newStatus } from '../../electron/server/runs/rebuild.ts';
import type { RankStatus, RunStatus } from '../../electron/shared/runs/events.ts';
import { emptySeries, reduceEvents } from '../../electron/shared/runs/series.ts';
import { EventScript } from '../support/event-script.ts';

const status = (part: Partial<RunStatus> = {}): RunStatus => ({
  ...newStatus('run-1', 'Support'),
  ...{ state: 'running', phase: 'Training', step: 30, totalSteps: 100, etaSeconds: 125, attempt: 2 },
  ...part,
});

const COLOUR = /\p{Cc}\[\d+m/gu;
/** Without colours (whether there are any depends on where the tests run); other escapes stay. */
const seen = (...of: Parameters<typeof watchFrame>) =>
  watchFrame(...of).map((line) => line.replace(COLOUR, ''));

function series() {
  const script = new EventScript();
  script.started();
  for (let step = 1; step <= 30; step++) script.step(step, 3 - step / 15, { tokens: 100 });
  script.eval(30, 1.25);
  return reduceEvents(emptySeries, script.events);
}

test('says how far it is, what was measured and how it went', () => {
  const lines = seen(status(), series(), 80);
  expect(lines[0]).toBe('Support  run-1');
  expect(lines[1]).toBe('Training, attempt 2');
  expect(lines[2]).toMatch(/^█+░+ 30% {2}step 30 of 100, 2:05 left$/);
  expect(lines.find((line) => line.startsWith('Loss '))).toMatch(/^Loss +1 {2}█.*▁$/);
  expect(lines.find((line) => line.startsWith('Loss (evaluation)'))).toMatch(/ 1\.25 {2}▁$/);
});

test('no line is wider than the terminal', () => {
  const alarm = { step: 3, timeUs: 1, kind: 'spike', message: 'x'.repeat(300), cause: '', advice: 'Look.' };
  const wide = status({ name: 'n'.repeat(300), alarms: [alarm] as unknown as RunStatus['alarms'] });
  for (const columns of [20, 40, 80])
    for (const line of seen(wide, series(), columns)) expect(line.length).toBeLessThanOrEqual(columns);
});

test('a name or a message is one line, and no command to the terminal', () => {
  const error = { code: 'rank.hung' as const, message: 'two\nlines', hint: 'a\u001b[2Jb', data: {} };
  const lines = seen(status({ name: 'x\u001b]0;y\u0007', error }), emptySeries, 80);
  expect(lines.join('')).not.toMatch(/\p{Cc}/u);
  expect(lines).toContain('error two lines');
});

test('names the ranks that are not as the others, the newest alarms, and why a run failed', () => {
  const rank = (k: number, state: RankStatus['state']) => ({ rank: k, state }) as RankStatus;
  const ranks = [rank(0, 'alive'), rank(1, 'gone')];
  const error = { code: 'rank.hung' as const, message: 'Rank 1 ended.', hint: 'Resume the run.', data: {} };
  const text = seen(status({ ranks, error, totalSteps: null }), emptySeries, 80).join('\n');
  expect(text).toContain('alive: 0; gone: 1');
  expect(text).toContain('error Rank 1 ended.\nnext  Resume the run.');
});

test('a curve has so many characters at most, each a mean, whatever is not finite', () => {
  expect(sparkline([1, 2, Number.NaN, 3], 8)).toBe('▁▅█');
  expect(sparkline([1, 3, 5, 7], 2)).toBe('▁█');
  expect(sparkline([4, 4], 8)).toBe('▁▁');
  expect(sparkline([], 8)).toBe('');
});

test('what was measured of the machine is told below, with its units', () => {
  const script = new EventScript();
  script.started();
  for (let step = 1; step <= 4; step++) {
    script.step(step, 1);
    script.monitored(step, {
      cpu_share: 0.875,
      'cpu_share/rank-1': 0.4,
      disk_write_bytes_per_second: 2048,
      gpu_power_watts: 512.5,
      energy_kwh: 0.0123,
    });
  }
  const lines = seen(status(), reduceEvents(emptySeries, script.events), 100);
  const shownFor = (title: string) =>
    lines
      .find((line) => line.startsWith(`${title}  `))
      ?.slice(title.length)
      .trim()
      .split(/\s{2,}/)[0];
  expect(shownFor('Processor')).toBe('87.5%');
  expect(shownFor('Processor, Rank 1')).toBe('40.0%');
  expect(shownFor('Disk, written')).toMatch(/^2.* [Kk]i?B\/s$/);
  expect(shownFor('GPU power')).toBe('512.5 W');
  expect(shownFor('Energy')).toBe('0.0123 kWh');
  const at = (title: string) => lines.findIndex((line) => line.startsWith(title));
  expect(at('Processor')).toBeGreaterThan(at('Loss'));
  expect(at('Processor, Rank 1')).toBe(at('Processor') + 1);
});
