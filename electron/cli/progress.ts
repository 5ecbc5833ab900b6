/** A progress bar on a terminal, a line now and then elsewhere. Written to standard error: results go to standard output. */
import cliProgress from 'cli-progress';
import pc from 'picocolors';
import { formatSeconds } from './output.ts';

export interface ProgressState {
  title: string;
  /** 0..1; null when unknown. */
  fraction: number | null;
  etaSeconds: number | null;
  /** Short facts behind the bar, e.g. "loss 1.234". */
  details: string[];
}

const LINE_EVERY_MS = 10_000;
const BAR_WIDTH = 24;

export class Progress {
  readonly #bar: cliProgress.SingleBar | null;
  #started = false;
  #title = '';
  #lastLine = 0;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#bar = stream.isTTY
      ? new cliProgress.SingleBar({
          stream,
          format: `{title} ${pc.green('{bar}')} {percent} {details}`,
          barCompleteChar: '\u2588',
          barIncompleteChar: '\u2591',
          barsize: BAR_WIDTH,
          hideCursor: true,
          clearOnComplete: true,
          // What ends us (Ctrl-C included) is the command's to decide.
          gracefulExit: false,
          forceRedraw: true,
        })
      : null;
  }

  show(state: ProgressState): void {
    if (this.#bar) this.#showBar(this.#bar, state);
    else this.#showLine(state);
  }

  /** A line that stays, above the bar. */
  note(text: string): void {
    if (this.#started) this.#bar?.stop();
    this.#started = false;
    process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (this.#started) this.#bar?.stop();
    this.#started = false;
  }

  #showBar(bar: cliProgress.SingleBar, state: ProgressState): void {
    const payload = {
      title: state.title.padEnd(20),
      percent: state.fraction === null ? '' : `${Math.floor(state.fraction * 100)}%`.padStart(4),
      details: facts(state).join('  '),
    };
    if (!this.#started) bar.start(1000, 0, payload);
    this.#started = true;
    bar.update(Math.round((state.fraction ?? 0) * 1000), payload);
  }

  #showLine(state: ProgressState): void {
    const due = Date.now() - this.#lastLine >= LINE_EVERY_MS;
    if (!due && state.title === this.#title) return;
    this.#title = state.title;
    this.#lastLine = Date.now();
    const percent = state.fraction === null ? [] : [`${Math.floor(state.fraction * 100)}%`];
    process.stderr.write(`${[state.title, ...percent, ...facts(state)].join('  ')}\n`);
  }
}

function facts(state: ProgressState): string[] {
  return state.etaSeconds === null
    ? state.details
    : [...state.details, `ETA ${formatSeconds(state.etaSeconds)}`];
}
