/**
 * Every method and every optimizer trains the real starter model, at the learning rate that the workbench proposes: once from
 * the command line, once by clicking. The loss of held-out rows, always the same ones, has to fall; and both ways are the same
 * run, so they give the same losses. The table goes to tests/.artifacts/starter.md (docs/benchmarks.md has one).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { DEFAULT_SET } from '../../electron/shared/runs/event-line.ts';
import { rateKeys, recommendedRate } from '../../electron/shared/spec/learning-rates.ts';
import type { MethodType } from '../../electron/shared/spec/methods.ts';
import { launchBrowser, openPage, shootOnFailure, skipReason } from '../e2e/support/browser.ts';
import { chartRows, pick, set } from '../e2e/support/flows.ts';
import { cliCommand, type Home, HostProcess, hostEnvironment, makeHome } from '../e2e/support/host.ts';
import {
  chooseVariant,
  composeRun,
  optionsOf,
  startAndFinish,
  type Variant,
} from '../e2e/support/variants.ts';

const root = resolve(import.meta.dirname, '../..');
const starter = join(defaultHome(), 'models', STARTER_MODEL_ID);
const MODEL = 'starter';
const STEPS = 6;
const SEQ_LEN = 96;
const HELD_OUT_ROWS = 8;
const RUN_TIMEOUT = 600_000;

/** Losses before and after. */
type Losses = [before: number, after: number];
interface Case {
  method: Variant;
  optimizer: Variant;
}

const variant = (path: string, value: string) => optionsOf(path).find((o) => o.value === value) as Variant;
const cases: Case[] = [
  ...optionsOf('method.type').map((method) => ({ method, optimizer: variant('optimizer.type', 'adamw') })),
  ...optionsOf('optimizer.type')
    .filter(({ value }) => value !== 'adamw')
    .map((optimizer) => ({ method: variant('method.type', 'full'), optimizer })),
];
const nameOf = ({ method, optimizer }: Case) => `${method.value} ${optimizer.value}`;

/** Rates of an optimizer by key, as the form proposes them. */
const ratesOf = ({ method, optimizer }: Case) =>
  rateKeys(optimizer.value).map(
    (key) => [key, recommendedRate(method.value as MethodType, optimizer.value, key)] as const,
  );

describe.skipIf(skipReason)('the starter model', () => {
  let folder: string;
  let home: Home;
  let host: HostProcess;
  let browser: Browser;
  let page: Page;

  /** Runs `collie ...` to its end and gives what it printed. */
  function collie(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [...cliCommand(), ...args], {
      cwd: root,
      env: hostEnvironment(home),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    return new Promise((done, failed) => {
      child.once('error', failed);
      child.once('close', (code) =>
        code === 0
          ? done(stdout)
          : failed(new Error(`collie ${args.join(' ')} ended with ${code}:\n${stderr}`)),
      );
    });
  }

  beforeAll(async () => {
    if (!existsSync(starter)) throw new Error(`${starter} is missing: run \`npm run quickstart\` first.`);
    // The page may open the model where it is.
    process.env.COLLIE_ROOTS = starter;
    folder = mkdtempSync(join(tmpdir(), 'collie-starter-'));
    home = makeHome(folder);
    const sample = (name: string) => readFileSync(join(root, 'assets/quickstart', name), 'utf8');
    writeFileSync(join(home.user, 'helper.jsonl'), sample('train.jsonl'));
    const heldOut = sample('heldout.jsonl').split('\n').slice(0, HELD_OUT_ROWS);
    writeFileSync(join(home.user, 'unseen.jsonl'), `${heldOut.join('\n')}\n`);
    await collie('models', 'import', starter, '--name', MODEL);
    for (const name of ['helper', 'unseen'])
      await collie('datasets', 'import', join(home.user, `${name}.jsonl`), '--name', name);
    writeFileSync(join(home.user, 'spec.json'), JSON.stringify(baseSpec));
    host = await HostProcess.start(home);
    browser = await launchBrowser();
    ({ page } = await openPage(browser, host.url));
  });
  afterAll(async () => {
    await browser?.close();
    await host?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });
  shootOnFailure(() => page);

  async function byCommandLine(one: Case): Promise<Losses> {
    const sets = [`method.type=${one.method.value}`, `optimizer.type=${one.optimizer.value}`];
    const flags = sets.flatMap((set) => ['--set', set]);
    const printed = await collie('run', join(home.user, 'spec.json'), '--json', ...flags);
    const { path } = JSON.parse(printed) as { path: string };
    const { evals } = await readSeries(path);
    const losses = [...(evals[DEFAULT_SET]?.metric('loss') ?? [])];
    rmSync(join(path, 'checkpoints'), { recursive: true, force: true }); // a full one has 1.6 GB
    return firstAndLast(losses);
  }

  async function byClicking(one: Case): Promise<Losses> {
    const name = `Starter ${nameOf(one)}`;
    await composeRun(page, { name, model: MODEL, data: 'helper', seqLen: SEQ_LEN, steps: STEPS });
    await pick(page, 'Evaluation data', 'unseen');
    await page.locator('[data-path="schedule.type"]').getByText('Constant', { exact: true }).click();
    await set(page, 'Warm-up', '0');
    await chooseVariant(page, 'method.type', one.method);
    await chooseVariant(page, 'optimizer.type', one.optimizer);
    await startAndFinish(page, name, RUN_TIMEOUT);
    const { labels, rows } = await chartRows(page, 'Loss');
    const column = labels.indexOf('Evaluation') - 1;
    return firstAndLast(rows.map(({ values }) => values[column]).filter((loss) => typeof loss === 'number'));
  }

  it.each(cases.map((one) => [nameOf(one), one] as const))(
    'learns with %s',
    async (_, one) => {
      const [before, after] = await byCommandLine(one);
      note(one, [before, after]);
      expect(after).toBeLessThan(before);
      const clicked = await byClicking(one);
      expect(clicked[0]).toBeCloseTo(before, 4);
      expect(clicked[1]).toBeCloseTo(after, 4);
    },
    2 * RUN_TIMEOUT,
  );
});

const artifacts = join(root, 'tests/.artifacts');
const table = [
  '| method | optimizer | learning rate | before | after |',
  '| ------ | --------- | ------------- | ------ | ----- |',
];
function note(one: Case, losses: Losses): void {
  const rates = ratesOf(one).map(([, rate]) => rate);
  const cells = [
    one.method.value,
    one.optimizer.value,
    rates.join(', '),
    ...losses.map((loss) => loss.toFixed(3)),
  ];
  table.push(`| ${cells.join(' | ')} |`);
  mkdirSync(artifacts, { recursive: true });
  writeFileSync(join(artifacts, 'starter.md'), `${table.join('\n')}\n`);
}

function firstAndLast(losses: number[]): Losses {
  const [first, last] = [losses[0], losses.at(-1)];
  if (losses.length < 2 || first === undefined || last === undefined)
    throw new Error(`${losses.length} evaluations, expected one before and one after training`);
  return [first, last];
}

/** What the form is filled in with, as a file. */
const baseSpec = {
  name: 'Starter',
  model: `library:${MODEL}`,
  dataset: {
    train: 'library:helper',
    eval: 'library:unseen',
    mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
  },
  method: { type: 'lora' },
  optimizer: { type: 'adamw' },
  schedule: { type: 'constant', warmup_ratio: 0 },
  batch: { seq_len: SEQ_LEN, grad_accum_steps: 1 },
  duration: { unit: 'steps', value: STEPS },
};
