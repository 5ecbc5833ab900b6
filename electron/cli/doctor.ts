/** `collie doctor`: what this machine has and what it lacks, each with a next step. */
import pc from 'picocolors';
import { diagnose, isUsable, type State } from '../server/doctor/diagnose.ts';
import { gatherFacts } from '../server/doctor/facts.ts';
import { defaultHome } from '../server/host.ts';
import { exitCodes, printJson, printTable } from './output.ts';

const marks: Record<State, string> = {
  ok: pc.green('ok'),
  advice: pc.yellow('advice'),
  missing: pc.red('missing'),
};

/** Exits 1 when something is missing that every run needs. */
export async function doctorCommand({ json }: { json: boolean }): Promise<void> {
  const findings = diagnose(await gatherFacts(defaultHome()));
  const usable = isUsable(findings);
  if (json) printJson({ usable, findings });
  else {
    printTable([
      ['what', 'found', ''],
      ...findings.map(({ title, found, state }) => [title, found, marks[state]]),
    ]);
    for (const { title, next } of findings.filter((one) => one.next !== ''))
      process.stdout.write(`${pc.cyan('next')}  ${title}: ${next}\n`);
  }
  if (!usable) process.exitCode = exitCodes.failed;
}
