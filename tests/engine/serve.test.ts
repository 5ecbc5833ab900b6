/** Chat through the real executable: tokens as lines, cancelling, the kept cache, base and tuned beside each other. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { noEngine, temporaryFolder, tinyRun, trainToEnd } from './support.ts';

type Line = Record<string, unknown>;

class Served {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(...args: string[]) {
    this.child = spawn(rankExecutable(), ['serve', '--threads', '1', '--precision', 'fp32', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const input = this.child.stdout;
    if (!input) throw new Error('no standard output');
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  async next(): Promise<Line> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the rank ended');
    return JSON.parse(value);
  }

  send(message: Line): void {
    this.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Tokens of an answer and its last line. */
  async answer(message: Line): Promise<{ tokens: number[]; end: Line }> {
    this.send(message);
    const tokens: number[] = [];
    for (;;) {
      const line = await this.next();
      expect(line.id).toBe(message.id);
      if (!('token' in line)) return { tokens, end: line };
      tokens.push(line.token as number);
    }
  }
}

const request = (id: number, ids: number[], more: Line = {}): Line => ({
  id,
  ids,
  tuned: null,
  temperature: 0,
  top_k: 0,
  top_p: 1,
  max_new_tokens: 8,
  seed: 1,
  stop_ids: [],
  ...more,
});

describe.skipIf(noEngine)('serve', () => {
  const root = temporaryFolder();
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  const serve = async (...args: string[]) => {
    const served = new Served(...args);
    children.push(served.child);
    return { served, ready: await served.next() };
  };
  const modelOf = (run: string) => JSON.parse(readFileSync(join(run, 'spec.json'), 'utf8')).model as string;

  it('answers the same with a kept cache as without, and stops at a stop id', async () => {
    const model = modelOf(tinyRun(root));
    const { served, ready } = await serve('--model', model, '--context', '128');
    expect(ready).toEqual({ ready: true, tuned: 0 });
    const prompt = [10, 11, 12, 13, 14, 15];
    const first = await served.answer(request(1, prompt));
    expect(first.tokens.length).toBe(8);
    expect(first.end).toMatchObject({ done: true, finish: 'length' });
    const longer = [...prompt, ...first.tokens, 20, 21];
    const kept = await served.answer(request(2, longer));
    const branched = await served.answer(request(3, [...prompt, 99, 98, 97]));

    const fresh = (await serve('--model', model)).served;
    expect((await fresh.answer(request(1, [...prompt, 99, 98, 97]))).tokens).toEqual(branched.tokens);
    expect((await fresh.answer(request(2, longer))).tokens).toEqual(kept.tokens);

    const stop = first.tokens[3] as number;
    const stopped = await served.answer(request(4, prompt, { stop_ids: [stop] }));
    expect(stopped.tokens).toEqual(first.tokens.slice(0, first.tokens.indexOf(stop)));
    expect(stopped.end).toMatchObject({ done: true, finish: 'stop' });
  });

  it('samples by seed', async () => {
    const { served } = await serve('--model', modelOf(tinyRun(root)));
    const draw = async (id: number, seed: number) =>
      (await served.answer(request(id, [10, 11], { temperature: 1.5, top_k: 50, top_p: 0.95, seed }))).tokens;
    const first = await draw(1, 7);
    expect(await draw(2, 8)).not.toEqual(first);
    expect(await draw(3, 7)).toEqual(first);
  });

  it('cancels what runs and what waits', async () => {
    const { served } = await serve('--model', modelOf(tinyRun(root)), '--context', '100000');
    served.send(request(1, [10], { max_new_tokens: 90_000 }));
    served.send(request(2, [10], { max_new_tokens: 90_000 }));
    expect(await served.next()).toMatchObject({ id: 1 });
    served.send({ cancel: 2 });
    served.send({ cancel: 1 });
    const ends: Line[] = [];
    while (ends.length < 2) {
      const line = await served.next();
      if (line.done) ends.push(line);
    }
    expect(ends).toMatchObject([
      { id: 1, finish: 'cancelled' },
      { id: 2, finish: 'cancelled' },
    ]);
    expect((await served.answer(request(3, [10]))).tokens.length).toBe(8);
  });

  it.each(['lora', 'full'] as const)('serves base and tuned of a %s run', async (type) => {
    const run = tinyRun(root, { method: type === 'lora' ? { type, rank: 4, alpha: 8 } : { type } });
    await trainToEnd(run);
    const from = ['--run', run, '--checkpoint', 'step-00000006'];
    const { served, ready } = await serve('--model', modelOf(run), ...from);
    expect(ready).toEqual({ ready: true, tuned: 1 });
    const prompt = [10, 11, 12];
    const long = { max_new_tokens: 30 };
    const tuned = await served.answer(request(1, prompt, { ...long, tuned: 0 }));
    const base = await served.answer(request(2, prompt, long));
    expect(tuned.tokens).not.toEqual(base.tokens);
    const plain = (await serve('--model', modelOf(run))).served;
    expect((await plain.answer(request(1, prompt, long))).tokens).toEqual(base.tokens);
    expect((await plain.answer(request(2, prompt, { tuned: 0 }))).end).toMatchObject({
      error: { code: 'request.invalid' },
    });
  });

  it('serves several runs over one base, each as it answers alone, in any order', async () => {
    const methods = [
      { type: 'lora', rank: 4, alpha: 8 },
      { type: 'ia3' },
      { type: 'prefix_tuning', virtual_tokens: 5 },
      { type: 'full' },
    ] as const;
    const model = modelOf(tinyRun(root));
    // Steps that a few are enough to be heard in the answer.
    const optimizer = { type: 'adamw', learning_rate: 0.3 } as const;
    const runs = methods.map((method) =>
      tinyRun(
        root,
        method.type === 'lora' || method.type === 'full' ? { method } : { method, optimizer },
        [],
        model,
      ),
    );
    for (const run of runs) await trainToEnd(run);
    const from = (run: string) => ['--run', run, '--checkpoint', 'step-00000006'];
    const { served, ready } = await serve('--model', model, ...runs.flatMap(from));
    expect(ready).toEqual({ ready: true, tuned: runs.length });
    const prompt = [10, 11, 12];
    const ask = async (from: Served, id: number, tuned: number | null) =>
      (await from.answer(request(id, prompt, { tuned, max_new_tokens: 30 }))).tokens;
    const alone = [];
    for (const run of runs) alone.push(await ask((await serve('--model', model, ...from(run))).served, 1, 0));
    const base = await ask((await serve('--model', model)).served, 1, null);
    for (const tokens of alone) expect(tokens).not.toEqual(base);
    let id = 1;
    for (const order of [0, 1, 2, 3, null, 2, 1, null, 0, 3])
      expect(await ask(served, id++, order)).toEqual(order === null ? base : alone[order]);
    expect((await served.answer(request(id, prompt, { tuned: 4 }))).end).toMatchObject({
      error: { code: 'request.invalid', data: { tuned: 4, served: 4 } },
    });

    // The same, added one by one to a base that is being talked to. Wider tails come later.
    const grown = (await serve('--model', model)).served;
    expect(await ask(grown, 1, null)).toEqual(base);
    for (const [i, run] of runs.entries()) {
      const added = await grown.answer({ id: 10 + i, load: { run, checkpoint: 'step-00000006' } });
      expect(added.end).toEqual({ id: 10 + i, loaded: i });
      for (const place of [...Array(i + 1).keys(), null])
        expect(await ask(grown, 100, place)).toEqual(place === null ? base : alone[place]);
    }
  });

  it('refuses what cannot be loaded beside the rest, by name, and goes on', async () => {
    const run = tinyRun(root);
    const model = modelOf(run);
    await trainToEnd(run);
    const nf4 = tinyRun(root, { quantization: 'nf4', precision: 'bf16' }, [], model);
    await trainToEnd(nf4);
    const other = tinyRun(root);
    await trainToEnd(other);
    const checkpoint = 'step-00000006';
    const { served } = await serve('--model', model, '--run', run, '--checkpoint', checkpoint);
    const refused = async (load: Line) => {
      const { end } = await served.answer({ id: 1, load });
      return end.error as { code: string; message: string; hint: string };
    };
    const twice = await refused({ run, checkpoint });
    expect(twice).toMatchObject({ code: 'request.invalid', hint: 'Name every checkpoint once.' });
    expect(twice.message).toBe(`Checkpoint ${checkpoint} of the run ${run} is there already.`);

    const foreign = await refused({ run: other, checkpoint });
    expect(foreign.code).toBe('request.invalid');
    for (const name of [other, modelOf(other), model]) expect(foreign.message).toContain(name);
    expect(foreign.hint).toContain(`--model ${modelOf(other)}`);

    const quantized = await refused({ run: nf4, checkpoint });
    expect(quantized.code).toBe('request.invalid');
    expect(quantized.message).toContain(nf4);
    expect(quantized.message).toContain('in 4 bits (nf4)');

    const missing = await refused({ run, checkpoint: 'step-00000099' });
    expect(missing.code).toBe('checkpoint.not_found');
    expect(missing.message).toContain('step-00000099');

    expect((await refused({ run: join(root, 'nowhere'), checkpoint })).code).toBe('run.not_found');
    expect((await refused({ run })).code).toBe('request.invalid');
    expect((await served.answer(request(2, [10], { tuned: 0 }))).tokens.length).toBe(8);
    expect((await served.answer(request(3, [10], { tuned: 1 }))).end).toMatchObject({
      error: { code: 'request.invalid' },
    });
  });

  it('answers impossible requests with an error each, and goes on', async () => {
    const { served } = await serve('--model', modelOf(tinyRun(root)), '--context', '32');
    const bad = [
      request(1, []),
      request(2, [100_000]),
      request(3, [10], { max_new_tokens: 32 }),
      request(4, [10], { temperature: -1 }),
      request(5, [10], { top_p: 0 }),
      request(6, [10], { colour: 'red' }),
    ];
    for (const message of bad)
      expect((await served.answer(message)).end).toMatchObject({ error: { code: 'request.invalid' } });
    expect((await served.answer(request(7, [10]))).tokens.length).toBe(8);
    served.child.stdin?.end();
    expect(await new Promise((resolve) => served.child.once('exit', resolve))).toBe(0);
  });
});
