/** `collie bench generate`: answers of a small model on this machine's processor against llama.cpp (npm node-llama-cpp), side by side. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { installRoot } from '../../server/native/addon.ts';
import { rankEnvironment, requireRank } from '../../server/rank/rank.ts';
import { loadTokenizer } from '../../server/tokenize/apart-tokenizer.ts';
import type { ModelCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { ensureVenv } from './python.ts';
import { type Spread, spread } from './report.ts';

const LLAMA_VERSION = '3.22.1';
const PROMPTS = 8;

export interface GenerateOptions {
  tokens: number;
  rounds: number;
  threads: number;
}

/** What takes its turn in every round. */
export interface Contestant {
  title: string;
  /** Answers under way at once. */
  batch: number;
  program: string;
  args: string[];
  env: Record<string, string>;
}

const lineSchema = z.object({
  seconds: z.number().positive(),
  tokens: z.number().int().positive(),
  answers: z.array(z.array(z.number().int())),
});

export interface GenerateResult {
  title: string;
  batch: number;
  /** New tokens a second, prompts included in the time. */
  tokensPerSecond: Spread;
  /** Over the first llama.cpp contestant, which answers one prompt after another, round by round. */
  ratio: Spread;
  /** First tokens of the answers that are those of the first contestant, of all. */
  sameFirstTokens: number;
}

/** Eight questions of the sample data as the model's template writes them. */
async function writePrompts(model: ModelCard, path: string): Promise<void> {
  const rows = readFileSync(join(installRoot(), 'assets/quickstart/heldout.jsonl'), 'utf8').split('\n');
  const tokenizer = await loadTokenizer(model.path);
  const prompts: number[][] = [];
  for (const row of rows.slice(0, PROMPTS)) {
    const { prompt } = JSON.parse(row) as { prompt: string };
    prompts.push([...(await tokenizer.prompt({ messages: [{ role: 'user', content: prompt }] }))]);
  }
  writeFileSync(path, JSON.stringify(prompts));
}

/** llama.cpp's weights are those of the same GGUF file that the model was imported from. */
function sourceOf(model: ModelCard): string {
  if (model.origin === 'gguf' && existsSync(model.source)) return model.source;
  throw new CollieError(
    'request.invalid',
    `${model.name} was not imported from a GGUF file that is still there: ${model.source}. llama.cpp reads nothing else.`,
    'Name a model imported from a GGUF file. `npm run quickstart` fetches one.',
  );
}

async function installLlama(folder: string, say: (line: string) => void): Promise<void> {
  if (existsSync(join(folder, 'node_modules/node-llama-cpp/package.json'))) return;
  say(`installing node-llama-cpp ${LLAMA_VERSION}`);
  const suffix = process.platform === 'darwin' && process.arch === 'arm64' ? '-metal' : '';
  const platform = { darwin: 'mac', win32: 'win' }[process.platform as string] ?? process.platform;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const packages = ['node-llama-cpp', `@node-llama-cpp/${platform}-${process.arch}${suffix}`];
  // Without the optional packages, which are the libraries of all GPUs.
  const args = ['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  await call('npm', [...args, ...packages.map((name) => `${name}@${LLAMA_VERSION}`)], { cwd: folder });
}

async function call(
  program: string,
  args: string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      cwd,
      maxBuffer: 1 << 26,
      env: { ...process.env, ...env },
    });
    return stdout;
  } catch (thrown) {
    const { stderr = '', message = '' } = thrown as { stderr?: string; message?: string };
    const why = stderr.trim().split('\n').slice(-8).join('\n') || message;
    throw new CollieError('setup.failed', `\`${basename(program)} ${args[0]}\` failed: ${why}`);
  }
}

/** The model in both forms, prompts, and who takes part. */
async function prepare(
  model: ModelCard,
  { tokens, threads }: GenerateOptions,
  say: (line: string) => void,
): Promise<Contestant[]> {
  const source = sourceOf(model);
  const rank = requireRank('cpu');
  const scripts = join(installRoot(), 'tests/bench');
  const deps = join(installRoot(), 'native/.deps');
  const work = join(deps, 'bench', `generate-${model.id}`);
  mkdirSync(work, { recursive: true });
  const ids = join(work, 'ids.json');
  await writePrompts(model, ids);
  const llama = join(deps, 'bench-llama');
  await installLlama(llama, say);
  const python = await ensureVenv(join(deps, 'bench-gguf-venv'), join(scripts, 'gguf-requirements.txt'), say);
  const gguf = async (type: string) => {
    const path = join(work, `${type}.gguf`);
    if (!existsSync(path)) await call(python, [join(scripts, 'gguf_as.py'), source, path, type]);
    return path;
  };
  const ours = (batch: number): Contestant => ({
    ...{ title: `Collie bf16, ${batch} at once`, batch, program: rank, env: rankEnvironment() },
    args: [
      ...['generate', '--model', model.path, '--ids', ids, '--max-new-tokens', `${tokens}`],
      ...['--batch', `${batch}`, '--threads', `${threads}`],
    ],
  });
  const theirs = async (type: string, batch: number): Promise<Contestant> => ({
    ...{ title: `llama.cpp ${type}, ${batch} at once`, batch, program: process.execPath, env: {} },
    args: [
      ...[join(scripts, 'llama-generate.mjs'), llama, await gguf(type), ids],
      ...[tokens, batch, 1, threads].map(String),
    ],
  });
  return [
    await theirs('bf16', 1),
    await theirs('f16', 1),
    await theirs('bf16', PROMPTS),
    ours(1),
    ours(PROMPTS),
  ];
}

type Round = z.infer<typeof lineSchema>[];

/** Ratios are taken within a round, where all ran under the same conditions. */
export function results(contestants: readonly Contestant[], rounds: readonly Round[]): GenerateResult[] {
  const rate = ({ tokens, seconds }: Round[number]) => tokens / seconds;
  return contestants.map(({ title, batch }, place) => {
    const own = rounds.map((round) => round[place] as Round[number]);
    const base = rounds.map((round) => round[0] as Round[number]);
    const same = own[0]?.answers.filter(([first], k) => first === base[0]?.answers[k]?.[0]).length;
    return {
      ...{ title, batch, sameFirstTokens: same ?? 0 },
      tokensPerSecond: spread(own.map(rate)) as Spread,
      ratio: spread(own.map((line, k) => rate(line) / rate(base[k] as Round[number]))) as Spread,
    };
  });
}

export function lineOf({ title, tokensPerSecond, ratio, sameFirstTokens }: GenerateResult): string {
  const range = (value: Spread, digits: number) =>
    `${value.median.toFixed(digits)} (${value.min.toFixed(digits)} to ${value.max.toFixed(digits)})`;
  return `${title.padEnd(26)} ${range(tokensPerSecond, 1)} tokens/s, ${range(ratio, 2)}x, ${sameFirstTokens} of ${PROMPTS} first tokens the same`;
}

/** All take turns. Throws request.invalid, engine.not_built, setup.failed. */
export async function benchGenerate(
  model: ModelCard,
  options: GenerateOptions,
  say: (line: string) => void,
): Promise<GenerateResult[]> {
  const contestants = await prepare(model, options, say);
  const rounds: Round[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const lines: Round = [];
    for (const { title, program, args, env } of contestants) {
      const line = lineSchema.parse(JSON.parse(await call(program, args, { env })));
      say(
        `  round ${round + 1} of ${options.rounds}  ${title}: ${(line.tokens / line.seconds).toFixed(1)} tokens/s`,
      );
      lines.push(line);
    }
    rounds.push(lines);
  }
  return results(contestants, rounds);
}
