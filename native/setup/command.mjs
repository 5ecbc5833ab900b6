import { spawn, spawnSync } from 'node:child_process';
import { SetupError } from './console.mjs';

/** Is there a program of this name on the PATH? */
export const has = (program) => spawnSync('which', [program], { stdio: 'ignore' }).status === 0;

/**
 * Runs a command to its end; `onLine` sees every line of its output. Throws a SetupError with the last lines and `next`
 * when it fails.
 */
export function command(program, args, { cwd, env, onLine, next } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const tail = [];
    let rest = '';
    const take = (chunk) => {
      const lines = (rest + chunk).split(/\r\n|\n|\r/);
      rest = lines.pop();
      for (const line of lines) {
        tail.push(line);
        if (tail.length > 30) tail.shift();
        onLine?.(line);
      }
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => reject(new SetupError(`${program}: ${error.message}`, next)));
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const output = [...tail, rest].join('\n').trim();
      reject(
        new SetupError(
          `\`${program} ${args.join(' ')}\` ended with ${signal ?? `exit code ${code}`}\n${output}`,
          next,
        ),
      );
    });
  });
}
