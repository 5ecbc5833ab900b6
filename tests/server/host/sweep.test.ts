/** What a start of the host cleans up: only what is its own, and whose owner is dead. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownName } from '../../../electron/server/files/leftovers.ts';
import { sweepLibrary } from '../../../electron/server/host/sweep.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { scratchFolder } from '../datasets/fixtures.ts';

/** A process that has ended. */
const DEAD = spawnSync(process.execPath, ['-e', '']).pid;
const ofDead = (prefix: string) => ownName(prefix).replace(`-${process.pid}-`, `-${DEAD}-`);
const ofOtherMachine = (prefix: string) => `${prefix}00000000-${DEAD}-x`;

test('folders of dead processes go; those of living ones, of other machines and of nobody stay', async () => {
  const home = scratchFolder('sweep');
  const runs = new RunRegistry(home);
  const places = [
    ['runs', '.new-'],
    ['datasets', '.importing-'],
    ['cache/datasets', '.importing-'],
    ['models', '.partial-'],
  ] as const;
  const make = (folder: string, name: string) => {
    const path = join(home, folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'x'), '');
    return path;
  };
  const gone = places.map(([folder, prefix]) => make(folder, `${ofDead(prefix)}x`));
  const kept = places.flatMap(([folder, prefix]) => [
    make(folder, `${ownName(prefix)}x`),
    make(folder, ofOtherMachine(prefix)),
    make(folder, `${prefix}no-owner`),
    make(folder, 'a-run-or-model'),
    make(folder, '.hidden'),
  ]);
  const old = make('runs', `${ofOtherMachine('.new-')}-old`);
  utimesSync(old, 0, 0);
  const removed = make('runs', '.removed-x');
  await sweepLibrary(home, runs);
  expect([...gone, old, removed].filter((path) => existsSync(path))).toEqual([]);
  expect(kept.filter((path) => !existsSync(path))).toEqual([]);
});

test('temporary files of dead supervisors go, all other files of a run stay', async () => {
  const home = scratchFolder('sweep-run');
  const runs = new RunRegistry(home);
  const folder = join(home, 'runs/one');
  mkdirSync(join(folder, 'export'), { recursive: true });
  const make = (name: string, seconds: number) => {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), seconds, seconds);
    return name;
  };
  const gone = [
    make(`.status.json.${DEAD}.tmp`, 1),
    make(`supervisor.json.lock.${DEAD}`, 1),
    make(`export/.metrics.csv.0a1b2c3d.${DEAD}.tmp`, 1),
  ];
  const kept = [
    make(`.status.json.${process.pid}.tmp`, 1),
    make(`.tags.json.${DEAD}.tmp`, Date.now() / 1000),
    make('spec.json', 1),
    make('supervisor.json', 1),
    make('notes.1.tmp', 1),
    make('export/metrics.csv', 1),
  ];
  await sweepLibrary(home, runs);
  expect(gone.filter((name) => existsSync(join(folder, name)))).toEqual([]);
  expect(kept.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
});

test.skipIf(process.platform === 'win32')('sockets that nobody listens to go, others stay', async () => {
  const home = scratchFolder('sweep-sockets');
  const runs = new RunRegistry(home);
  const sockets = join(home, 'sockets');
  mkdirSync(sockets);
  const path = (name: string) => join(sockets, name);
  // Killed: it leaves its socket behind.
  const leave = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  for (const name of ['dead', 'young']) spawnSync(process.execPath, ['-e', leave, path(name)]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path('live'), resolve));
  writeFileSync(path('file'), '');
  for (const name of ['dead', 'live', 'file']) utimesSync(path(name), 1, 1);
  try {
    await sweepLibrary(home, runs);
    expect(['dead', 'young', 'live', 'file'].map((name) => existsSync(path(name)))).toEqual([
      false,
      true,
      true,
      true,
    ]);
  } finally {
    server.close();
  }
});
