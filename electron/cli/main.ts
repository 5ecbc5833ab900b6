#!/usr/bin/env node
/** `collie ...`: the command table. Each command lives in its own file and is loaded when it is called. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { productVersion } from '../server/host/system.ts';
import { exitCodes, printError } from './output.ts';

const program = new Command('collie')
  .description('Fine-tune language models on your own workstation.')
  .version(productVersion())
  .option('--json', 'write results and errors as JSON')
  .showHelpAfterError();

const json = () => program.opts<{ json?: boolean }>().json ?? false;

/** Runs a command; what it throws is printed with its next step and ends in an exit code. */
function guarded<A extends unknown[]>(action: (...args: A) => Promise<void>) {
  return async (...args: A) => {
    try {
      await action(...args);
    } catch (thrown) {
      printError(thrown, json());
      process.exitCode = exitCodes.failed;
    }
  };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
}

const collect = (value: string, all: string[]) => [...all, value];
const portOption = () =>
  new Option('--port <number>', 'port on 127.0.0.1; 0: any free one').argParser(portNumber).default(7433);

program
  .command('serve')
  .description('serve the workbench to a browser on this machine')
  .addOption(portOption())
  .option('--open', 'open the browser', false)
  .option('--allow-origin <origin>', 'also accept pages of this origin (development)', collect, [])
  .action(guarded(async (flags) => (await import('./serve.ts')).serveCommand(flags)));

program
  .command('start')
  .description('open the workbench in its window, or in the browser where there is none')
  .addOption(portOption())
  .action(
    guarded(async (flags) =>
      (await import('./serve.ts')).startCommand({ ...flags, open: true, allowOrigin: [] }),
    ),
  );

await program.parseAsync();
