/** `collie judges allow`. */
import { accessText } from '../shared/spec/judge.ts';
import { printJson } from './output.ts';
import { withHost } from './session.ts';
import { originOf } from './trust-kinds.ts';

export async function allowJudge(url: string, keyEnv: string | null, json: boolean): Promise<void> {
  await withHost(async (host) => {
    const access = { origin: originOf(url), keyEnv };
    await host.call('judges.allow', { judges: [access] });
    if (json) printJson(access);
    else process.stdout.write(`allowed: ${accessText(access)}\n`);
  });
}
