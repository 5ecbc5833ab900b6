/**
 * The engine for CUDA, made by itself on a machine with an NVIDIA GPU: only for the cards that are there, and never a reason to stop. Where it
 * cannot be had, runs use the CPU, and the set-up says why.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nativeBuild } from './build.mjs';
import { SetupError } from './console.mjs';
import { cudaCompiler } from './cuda-compiler.mjs';
import { cudaLibtorch, nccl } from './libtorch.mjs';

/** Oldest driver that runs programs of CUDA 13, and oldest compute capability that the kernels are written for (bf16). */
const OLDEST_DRIVER = 580;
const OLDEST_CAPABILITY = 8.0;
/** libtorch for CUDA with NVIDIA's libraries, while it is being extracted. */
const NEEDED_BYTES = 12e9;

const AGAIN = '`node native/setup.mjs --only cuda` tries again.';

/** The cards that nvidia-smi lists; `problem` when it is there and fails. Without it there are none. */
export function nvidiaCards() {
  const query = ['--query-gpu=name,driver_version,compute_cap', '--format=csv,noheader'];
  const { error, status, stdout, stderr } = spawnSync('nvidia-smi', query, {
    encoding: 'utf8',
    timeout: 20_000,
  });
  if (error?.code === 'ENOENT') return { cards: [], problem: null };
  if (error || status !== 0)
    return { cards: [], problem: `nvidia-smi failed: ${`${stdout ?? ''}${stderr ?? ''}`.trim() || error}` };
  const cards = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((word) => word.trim()))
    .filter((words) => words.length === 3)
    .map(([name, driver, capability]) => ({ name, driver, capability }));
  return { cards, problem: null };
}

/** Why the engine for CUDA cannot run on this machine: {reason, next}; null when nothing is in the way. */
export function obstacle({ cards, problem }, freeBytes) {
  if (problem) return { reason: problem, next: 'Repair the NVIDIA driver.' };
  const usable = usableCards(cards);
  if (usable.length === 0) {
    const [{ name, capability }] = cards;
    return {
      reason: `${name} has compute capability ${capability}; the kernels need ${OLDEST_CAPABILITY.toFixed(1)} (bf16)`,
      next: 'Use a card of the Ampere generation or newer.',
    };
  }
  const [{ driver }] = usable;
  if (Number.parseInt(driver, 10) < OLDEST_DRIVER)
    return {
      reason: `the NVIDIA driver is ${driver}; CUDA 13 needs ${OLDEST_DRIVER} or newer`,
      next: 'Update the driver.',
    };
  if (freeBytes < NEEDED_BYTES)
    return {
      reason: `${(freeBytes / 1e9).toFixed(1)} GB are free on the disk; libtorch for CUDA needs ${NEEDED_BYTES / 1e9}`,
      next: 'Free some disk space.',
    };
  return null;
}

const usableCards = (cards) => cards.filter(({ capability }) => Number(capability) >= OLDEST_CAPABILITY);

/** What CMake is to compile for: the machine code of these cards and nothing else. */
export const architecturesOf = (cards) =>
  [...new Set(usableCards(cards).map(({ capability }) => `${capability.replace('.', '')}-real`))]
    .sort()
    .join(';');

/** The steps that make the engine for CUDA; `cards` none: for every architecture that is supported. */
export function cudaSteps(native, targets, cards = []) {
  return [
    cudaCompiler(native),
    cudaLibtorch(native),
    nccl(native),
    nativeBuild(native, 'cuda-release', targets, architecturesOf(cards)),
  ];
}

/**
 * Steps for a machine with an NVIDIA GPU; none where there is none. A failure is kept for later starts (`retry` false), which would
 * otherwise spend minutes on the same.
 */
export function cudaForThisMachine(native, retry) {
  const found = nvidiaCards();
  if (found.cards.length === 0 && !found.problem) return [];
  const memory = failureMemory(native);
  const fallBack = (error) => {
    console.log(
      `Runs use the CPU: ${error.message.trim()}\nNext: ${error.next ? `${error.next} Then ` : ''}${AGAIN}`,
    );
    memory.keep(error);
  };
  const title = `Engine for CUDA (${found.cards.map(({ name }) => name).join(', ') || 'NVIDIA'})`;
  const refuse = ({ reason, next }) => [
    {
      title,
      optional: fallBack,
      needed: () => true,
      run: async () => Promise.reject(new SetupError(reason, next)),
    },
  ];
  const known = retry ? null : memory.read();
  if (known) return refuse(known);
  const made = existsSync(join(native, 'build/cuda-release/rank/collie-rank'));
  const { bavail, bsize } = statfsSync(native);
  const blocked = obstacle(found, made ? Number.POSITIVE_INFINITY : bavail * bsize);
  if (blocked) return refuse(blocked);
  return [...cudaSteps(native, ['collie-rank'], found.cards), cudaProbe(native, memory)].map((step) => ({
    ...step,
    optional: fallBack,
  }));
}

/** Starts what was built once: a driver that is too old or a missing library shows here, not in the first run. */
function cudaProbe(native, memory) {
  const program = join(native, 'build/cuda-release/rank/collie-rank');
  const stamp = join(native, 'build/cuda-release/.starts');
  return {
    title: 'CUDA device',
    needed: () => !existsSync(stamp) || statSync(stamp).mtimeMs < statSync(program).mtimeMs,
    async run() {
      const { status, stdout, stderr, error } = spawnSync(program, ['info'], {
        encoding: 'utf8',
        timeout: 120_000,
      });
      if (status !== 0)
        throw new SetupError(
          `the engine for CUDA does not start: ${`${stderr ?? ''}`.trim() || error || `exit code ${status}`}`,
        );
      if (!(JSON.parse(stdout).cuda_devices > 0))
        throw new SetupError('the engine for CUDA finds no usable device', 'See what nvidia-smi says.');
      writeFileSync(stamp, '');
      memory.forget();
    },
  };
}

/** Why it failed the last time, below native/build. */
function failureMemory(native) {
  const file = join(native, 'build/cuda-failed.json');
  return {
    read: () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null),
    forget: () => rmSync(file, { force: true }),
    keep({ message, next }) {
      mkdirSync(join(native, 'build'), { recursive: true });
      // The first line says what went wrong; the rest is output.
      writeFileSync(file, JSON.stringify({ reason: message.split('\n')[0], next }));
    },
  };
}
