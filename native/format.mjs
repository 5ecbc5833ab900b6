#!/usr/bin/env node
/**
 * The C++ sources by .clang-format and .clang-tidy, with tools of pinned versions that pip puts into native/.deps.
 *
 *   node native/format.mjs          writes every file in its form
 *   node native/format.mjs --lint   fails where one is not, and looks with clang-tidy at sources that differ from HEAD, or from --base <commit>,
 *                                   once the engine was built here: it needs to know how they are compiled
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { command } from './setup/command.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiled = join(root, 'native/build/cpu-release');
const versions = { 'clang-format': '23.1.5', 'clang-tidy': '23.1.4' };

const { values: options } = parseArgs({
  options: { lint: { type: 'boolean', default: false }, base: { type: 'string', default: 'HEAD' } },
});

/** Path of a tool, which is installed first where it is not there in its version. */
async function tool(name) {
  const folder = join(root, 'native/.deps', name);
  const stamp = join(folder, '.collie-version');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== versions[name]) {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--upgrade'];
    await command('python3', [...pip, '--target', folder, `${name}==${versions[name]}`], {
      next: 'Check the network, and that python3 has pip (python3-pip).',
    });
    writeFileSync(stamp, versions[name]);
  }
  return join(folder, name.replace('-', '_'), 'data/bin', name);
}

function git(...args) {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.split('\n').filter((path) => existsSync(join(root, path)));
}

/** Shows what the program says; true when it ends well. */
const passes = (program, args) => spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status === 0;

const kinds = ['cpp', 'h', 'cu', 'cuh'].map((kind) => `native/*.${kind}`);
const sources = git('ls-files', '--cached', '--others', '--exclude-standard', '--', ...kinds).filter(Boolean);
let ok = passes(await tool('clang-format'), [
  ...(options.lint ? ['--dry-run', '-Werror', '--ferror-limit=5'] : ['-i']),
  ...sources,
]);
if (!ok) console.error('C++ that is not in its form: `npm run format:cpp` puts it right.');

const database = join(compiled, 'compile_commands.json');
if (options.lint && existsSync(database)) {
  const known = new Set(JSON.parse(readFileSync(database, 'utf8')).map(({ file }) => file));
  const changed = git('diff', '--name-only', options.base, '--', 'native/*.cpp')
    .filter(Boolean)
    .map((path) => join(root, path))
    .filter((path) => known.has(path));
  if (changed.length > 0)
    ok = passes(await tool('clang-tidy'), ['--quiet', '-p', compiled, ...changed]) && ok;
}
process.exitCode = ok ? 0 : 1;
