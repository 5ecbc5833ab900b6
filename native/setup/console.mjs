/** Progress on the terminal, with nothing but Node: this runs before any package is installed. */
const tty = process.stdout.isTTY === true;
const color = (code, text) => (tty && !process.env.NO_COLOR ? `\x1b[${code}m${text}\x1b[0m` : text);

/** A failure of the set-up: which step, why, and the one next thing to do. */
export class SetupError extends Error {
  constructor(cause, next) {
    super(cause);
    this.next = next;
  }
}

export const duration = (seconds) =>
  seconds < 60 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

function bar(fraction, width = 24) {
  const filled = Math.round(fraction * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
}

/**
 * Runs steps one after another. A step is {title, needed(): boolean | string, run(report)}; `report(fraction | null, text)`
 * moves its bar. Steps that are not needed are passed over in silence when `quiet`. A failure ends the set-up, unless the step is `optional`: then
 * that function gets the error, and the optional steps after it are left out.
 */
export async function runSteps(steps, quiet) {
  let index = 0;
  let gaveUp = false;
  for (const step of steps) {
    index += 1;
    if (gaveUp && step.optional) continue;
    const label = `[${index}/${steps.length}] ${step.title}`;
    if (!(await step.needed())) {
      if (!quiet) console.log(`${label} ${color(32, 'ready')}`);
      continue;
    }
    const error = await runStep(step, label);
    if (!error) continue;
    gaveUp = true;
    if (step.optional) step.optional(error);
    else process.exit(1);
  }
}

function explain(label, error) {
  console.error(`${label} ${color(31, 'failed')}: ${error.message}`);
  if (error.next) console.error(`Next: ${error.next}`);
  if (!(error instanceof SetupError)) console.error(error.stack);
}

/** The error that it ended with, or null. */
async function runStep(step, label) {
  const begun = Date.now();
  const elapsed = () => (Date.now() - begun) / 1000;
  let state = { fraction: null, text: '' };
  let shownAt = 0;
  const show = () => {
    const { fraction, text } = state;
    const eta =
      fraction && fraction > 0.03 ? `, ${duration((elapsed() / fraction) * (1 - fraction))} left` : '';
    const head =
      fraction === null ? '' : ` ${bar(fraction)} ${String(Math.floor(fraction * 100)).padStart(3)} %`;
    const line = `${label}${head} ${text} (${duration(elapsed())}${eta})`;
    if (tty) process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns ?? 100) - 1)}`);
    else if (Date.now() - shownAt > 15_000) {
      shownAt = Date.now();
      console.log(line);
    }
  };
  const timer = setInterval(show, tty ? 200 : 5000);
  try {
    await step.run((fraction, text = state.text) => {
      state = { fraction, text };
    });
  } catch (error) {
    if (tty) process.stdout.write('\r\x1b[2K');
    if (step.optional) console.log(`${label} ${color(33, 'not done')}`);
    else explain(label, error);
    return error;
  } finally {
    clearInterval(timer);
  }
  if (tty) process.stdout.write('\r\x1b[2K');
  console.log(`${label} ${color(32, 'done')} in ${duration(elapsed())}`);
  return null;
}
