/**
 * Grades answers by a judge. Whatever the judge does, this ends in time and throws nothing: an answer without a score is not judged, with the reason. A judge that is not there,
 * or that takes no key, is not asked a thousand times.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Judged, judgePrompt, readVerdict, verdictText } from '../../shared/evaluation/judge.ts';
import { accessOf, accessText, type JudgeEndpoint } from '../../shared/spec/judge.ts';
import { AllowedJudges } from './allowed.ts';
import { askJudge, JudgeFault, withoutKey } from './ask.ts';

const MOST_REASON = 2000;
const MOST_REASONS = 5;
const MOST_WAIT_MS = 30_000;
/** Answers in a row about which it did not reply at all, with all their tries, until it is taken to be gone. */
const GIVE_UP_AFTER = 3;

/** Of one answer: null where it was not judged. `remark` says why, in words for the user. */
export interface JudgedAnswer {
  score: number | null;
  remark: string;
}

export interface JudgeContext {
  /** COLLIE_HOME: what is allowed is looked up each time. */
  home: string;
  /** Ends the asking: the rest is not judged. */
  signal: AbortSignal;
  progress?: (done: number, all: number) => void;
  log?: (line: string) => void;
  /** Between tries, by how many there were; tests wait less. */
  backoffMs?: (tries: number) => number;
}

export async function judgeAnswers(
  judge: JudgeEndpoint,
  answers: readonly Judged[],
  context: JudgeContext,
): Promise<JudgedAnswer[]> {
  const access = accessOf(judge);
  const key = judge.key_env === null ? null : (process.env[judge.key_env] ?? '');
  if (!new AllowedJudges(context.home).has(access))
    return none(answers, `the judge at ${accessText(access)} is not allowed (collie judges allow)`);
  if (key === '') return none(answers, `the variable ${judge.key_env} with the key of the judge is not set`);
  context.log?.(`${answers.length} answers go to the judge ${judge.model} at ${accessText(access)}`);
  context.progress?.(0, answers.length);
  return new Asking(judge, answers, key, context).all();
}

const none = (answers: readonly Judged[], why: string): JudgedAnswer[] =>
  answers.map(() => ({ score: null, remark: notJudged(why) }));

const notJudged = (why: string) => `Not judged: ${why}.`;

/** Up to a second more, so that those who wait do not come back together. */
const growing = (tries: number) => Math.min(1000 * 2 ** (tries - 1), MOST_WAIT_MS) + Math.random() * 1000;

class Asking {
  readonly #judge: JudgeEndpoint;
  readonly #answers: readonly Judged[];
  readonly #key: string | null;
  readonly #context: JudgeContext;
  readonly #found: (JudgedAnswer | undefined)[];
  /** Aborts what is under way: nothing more is asked. */
  readonly #over = new AbortController();
  #overBecause = '';
  #next = 0;
  #done = 0;
  /** In a row. */
  #silent = 0;
  /** Nobody asks before, once the judge has had enough of us. */
  #notBefore = 0;

  constructor(judge: JudgeEndpoint, answers: readonly Judged[], key: string | null, context: JudgeContext) {
    this.#judge = judge;
    this.#answers = answers;
    this.#key = key;
    this.#context = context;
    this.#found = answers.map(() => undefined);
  }

  async all(): Promise<JudgedAnswer[]> {
    const { concurrency, limit_seconds } = this.#judge;
    const { signal } = this.#context;
    const stopped = () => this.#end('the evaluation was ended before');
    const timer = setTimeout(
      () => this.#end(`the time for all answers, ${limit_seconds} seconds, was over`),
      limit_seconds * 1000,
    );
    if (signal.aborted) stopped();
    signal.addEventListener('abort', stopped);
    try {
      await Promise.all(Array.from({ length: concurrency }, () => this.#work()));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stopped);
    }
    const why = notJudged(this.#overBecause);
    return this.#found.map((one) => one ?? { score: null, remark: why });
  }

  #end(why: string): void {
    if (this.#over.signal.aborted) return;
    this.#overBecause = why;
    this.#over.abort();
  }

  async #work(): Promise<void> {
    while (!this.#over.signal.aborted && this.#next < this.#answers.length) {
      const place = this.#next;
      this.#next += 1;
      const found = await this.#one(this.#answers[place] as Judged);
      if (found === null) return;
      this.#found[place] = found;
      this.#done += 1;
      this.#context.progress?.(this.#done, this.#answers.length);
    }
  }

  /** null: it was all over before there was an answer. */
  async #one(judged: Judged): Promise<JudgedAnswer | null> {
    const { prompt, scale, form, retries } = this.#judge;
    const text = judgePrompt(prompt, judged, scale, form);
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#wait();
        const said = await askJudge(this.#judge, text, { key: this.#key, signal: this.#over.signal });
        this.#silent = 0;
        return this.#verdict(said);
      } catch (thrown) {
        if (this.#over.signal.aborted) return null;
        if (!(thrown instanceof JudgeFault)) return { score: null, remark: notJudged(`${thrown}`) };
        if (thrown.kind !== 'again' || tries > retries) return this.#failed(thrown);
        const wait = thrown.afterMs ?? (this.#context.backoffMs ?? growing)(tries);
        this.#notBefore = Math.max(this.#notBefore, performance.now() + wait);
      }
    }
  }

  async #wait(): Promise<void> {
    for (;;) {
      const left = this.#notBefore - performance.now();
      if (left <= 0) return;
      await delay(left, undefined, { signal: this.#over.signal });
    }
  }

  #failed({ kind, replied, message }: JudgeFault): JudgedAnswer | null {
    this.#silent = replied ? 0 : this.#silent + 1;
    const why = `the judge ${message}`;
    if (kind === 'endpoint' || this.#silent >= GIVE_UP_AFTER) this.#end(why);
    return { score: null, remark: notJudged(why) };
  }

  #verdict(said: string): JudgedAnswer {
    const { scale, form } = this.#judge;
    const verdict = readVerdict(said, scale, form);
    if ('problem' in verdict) return { score: null, remark: notJudged(`the judge ${verdict.problem}`) };
    const reason = withoutKey(verdict.reason, this.#key);
    const shown = reason.length > MOST_REASON ? `${reason.slice(0, MOST_REASON)}…` : reason;
    const grade = `Judge: ${verdictText(verdict.score, scale)}.`;
    return { score: verdict.score, remark: shown === '' ? grade : `${grade} ${shown}` };
  }
}

/** How many answers were not judged and why, the most frequent reason first; null: all were. */
export function missingText(judged: readonly JudgedAnswer[]): { message: string; cause: string } | null {
  const counts = new Map<string, number>();
  for (const { score, remark } of judged)
    if (score === null) counts.set(remark, (counts.get(remark) ?? 0) + 1);
  if (counts.size === 0) return null;
  const reasons = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_REASONS);
  const missing = judged.filter(({ score }) => score === null).length;
  return {
    message: `${missing} of ${judged.length} answers were not judged.`,
    cause: reasons.map(([remark, n]) => `${n} times: ${remark.slice('Not judged: '.length)}`).join(' '),
  };
}
