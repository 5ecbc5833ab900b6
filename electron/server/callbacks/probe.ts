/** Loads an approved callback once before a run is made of it, as the run would: what its file does wrong at once, and a default export that is none, stop no training on the way. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { CallbackChild } from './child.ts';
import { type CallbackSource, invalid, toJavaScript } from './source.ts';

const LIMIT_SECONDS = 120;

/** Throws callback.invalid. Whatever the file starts is ended. */
export async function probeCallback(source: CallbackSource, limitSeconds = LIMIT_SECONDS): Promise<void> {
  const code = toJavaScript(source);
  const folder = mkdtempSync(join(tmpdir(), 'collie-callback-'));
  try {
    const file = join(folder, `${basename(source.path, extname(source.path))}.mjs`);
    writeFileSync(file, code);
    const wrong = await answerOf(folder, file, limitSeconds);
    if (wrong !== null) throw invalid(source.path, wrong, 'docs/callbacks.md shows what a callback exports.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with it, behind the file's name; null: nothing. */
function answerOf(cwd: string, file: string, limitSeconds: number): Promise<string | null> {
  let answer: string | null = null;
  return new Promise((resolve) => {
    const settle = (wrong: string | null) => {
      clearTimeout(timer);
      answer = wrong;
      child.kill();
    };
    const timer = setTimeout(
      () => settle(`was not loaded after ${limitSeconds} seconds`),
      limitSeconds * 1000,
    );
    let said = '';
    const child = new CallbackChild(cwd, {
      message: (message) => {
        if (message.type === 'ready') settle(null);
        else if (message.type === 'refused' || message.type === 'failed')
          settle(`cannot be used: ${message.message}`);
        said = message.type;
      },
      output: () => {},
      gone: (how) => {
        clearTimeout(timer);
        resolve(said === '' && answer === null ? `cannot be used: its process ${how}` : answer);
      },
    });
    child.send({ type: 'load', file, info: { id: '', name: '', folder: cwd, spec: {} } });
  });
}
