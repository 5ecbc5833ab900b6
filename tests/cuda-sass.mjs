/**
 * What nvcc made of every kernel for Hopper (sm_90), held to native/tests/cuda-compile/sass.tsv: how many bytes it reads and writes at a
 * time at most, how many of its accesses have fewer than 16 (tails and single numbers), how many instructions it has, how many of them divide
 * integers, how many registers it takes, and that it spills none. So that speed does not
 * rot where no GPU is.
 *   node tests/cuda-compile.mjs --write-limits      writes the table anew from what is built now
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cudaDisassembler, isPinnedCompiler } from '../native/setup/cuda-compiler.mjs';

const ARCHITECTURE = 'sm_90';
/** A kernel may grow by this much before somebody has to look. */
const SLACK = 1.05;
const COLUMNS = ['kernel', 'load', 'store', 'narrow', 'instructions', 'divisions', 'registers'];
const WIDEST = 16;

function output(program, args, input) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    input,
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
  return stdout;
}

/** "dequantize<bf16, 8>" of "void collie::cuda::_GLOBAL__N__...::dequantize<__nv_bfloat16, 8>(collie::cuda::Nf4Args, ...)". */
function shortName(demangled) {
  const bare = demangled.replace(/(collie::|cuda::|\(anonymous namespace\)::|_GLOBAL__N__\w+::|^void )/g, '');
  return bare.replace(/\(.*$/, '').replaceAll('__nv_bfloat16', 'bf16').replaceAll('float', 'fp32');
}

/** Bytes of a memory instruction, e.g. 16 of LDG.E.128.CONSTANT, 2 of LDG.E.U16. */
const widthOf = (instruction) => Number(/\.[US]?(128|64|16|8)(\.|$)/.exec(instruction)?.[1] ?? 32) / 8;

function countsOf(body) {
  const names = [...body.matchAll(/\/\*[0-9a-f]{4,}\*\/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)/g)].map(
    (match) => match[1],
  );
  const code = names.filter((name) => name !== 'NOP');
  const widths = (memory) => code.filter((name) => memory.test(name)).map(widthOf);
  const widest = (memory) => Math.max(0, ...widths(memory));
  // A division of 32 bits begins with a reciprocal of an integer, one of 64 bits with the same of two words.
  const divisions = code.filter((name) => /^I2F\.U(32|64)\.RP$/.test(name)).length;
  const narrow = widths(/^(LDG|STG)/).filter((bytes) => bytes < WIDEST).length;
  return { load: widest(/^LDG/), store: widest(/^STG/), narrow, instructions: code.length, divisions };
}

/** {short name: {load, store, narrow, instructions, divisions, registers, spilled}} of all kernels in an object file. */
function kernelsOf(cuobjdump, object) {
  const listing = output(cuobjdump, ['-sass', '-arch', ARCHITECTURE, object]);
  const usage = output(cuobjdump, ['-res-usage', '-arch', ARCHITECTURE, object]);
  const kernels = new Map();
  for (const part of listing.split(/^\s*Function : /m).slice(1))
    kernels.set(/^\S+/.exec(part)[0], countsOf(part));
  for (const [, name, registers, stack, local] of usage.matchAll(
    /Function (\S+):\s+REG:(\d+) STACK:(\d+) SHARED:\d+ LOCAL:(\d+)/g,
  ))
    Object.assign(kernels.get(name), {
      registers: Number(registers),
      spilled: Number(stack) + Number(local),
    });
  const mangled = [...kernels.keys()];
  const names = output('c++filt', [], mangled.join('\n')).trim().split('\n').map(shortName);
  return mangled.map((name, i) => [names[i], kernels.get(name)]);
}

/** The limits, by kernel. */
function readTable(path) {
  const [head, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  if (head !== COLUMNS.join('\t')) throw new Error(`${path} has other columns`);
  return new Map(
    rows.map((row) => {
      const [kernel, ...numbers] = row.split('\t');
      return [kernel, Object.fromEntries(numbers.map((number, i) => [COLUMNS[i + 1], Number(number)]))];
    }),
  );
}

/** What is wrong with a kernel, in words. Counts are those of one compiler; widths and spills hold for all. */
function faultsOf(found, limit, counts) {
  const faults = [];
  if (found.spilled > 0) faults.push(`keeps ${found.spilled} bytes of a thread in memory`);
  if (!limit) return [...faults, 'has no line in the table'];
  for (const access of ['load', 'store'])
    if (found[access] < limit[access])
      faults.push(`${access}s at most ${found[access]} bytes at a time, not ${limit[access]}`);
  for (const count of counts ? ['narrow', 'instructions', 'divisions', 'registers'] : [])
    if (found[count] > limit[count])
      faults.push(
        `has ${found[count]} ${count === 'narrow' ? 'narrow accesses' : count}, at most ${limit[count]} are meant`,
      );
  return faults;
}

/** Holds all kernels of a build of native/tests/cuda-compile to the table; returns {kept, all, faults}. */
export function checkSass(native, build, nvcc, write) {
  const cuobjdump = cudaDisassembler(native);
  if (!cuobjdump) throw new Error('no cuobjdump. Next: node native/setup.mjs --only native --for-tests');
  // Of the sources that there are: the folder keeps objects of those that are gone.
  const targets = output('ninja', ['-C', build, '-t', 'targets', 'all']);
  const objects = [...targets.matchAll(/^(\S+\.cu\.o): /gm)].map(([, object]) => join(build, object));
  const found = new Map(
    objects.flatMap((object) => kernelsOf(cuobjdump, object)).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  const table = join(native, 'tests/cuda-compile/sass.tsv');
  if (write) {
    const rows = [...found].map(([name, k]) =>
      [name, k.load, k.store, k.narrow, Math.ceil(k.instructions * SLACK), k.divisions, k.registers + 8].join(
        '\t',
      ),
    );
    writeFileSync(table, `${[COLUMNS.join('\t'), ...rows].join('\n')}\n`);
  }
  const limits = readTable(table);
  const counts = isPinnedCompiler(nvcc);
  const faults = [...limits.keys()].filter((name) => !found.has(name)).map((name) => `${name} is not there`);
  for (const [name, kernel] of found) {
    const wrong = faultsOf(kernel, limits.get(name), counts);
    if (wrong.length > 0) faults.push(`${name} ${wrong.join(', ')}`);
  }
  return { kept: found.size - faults.length, all: found.size, faults, counts };
}
