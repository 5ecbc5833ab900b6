/** What is asked of a run that is going: an answer, a pause, other settings; and where its alarms go. */
import { defaultHome } from '../server/host.ts';
import { testWebhook } from '../server/settings/post.ts';
import { readSettings, setWebhook } from '../server/settings/settings.ts';
import { CollieError } from '../shared/errors.ts';
import { PAUSED } from '../shared/runs/events.ts';
import type { RunChange, RunRequest } from '../shared/runs/requests.ts';
import { printJson } from './output.ts';
import { withHost } from './session.ts';

interface AskFlags {
  json: boolean;
  base: boolean;
  system: string;
  maxTokens: number;
  temperature: number;
  seed: number;
}

/** Prints the answer as it comes. Ctrl-C ends the answer, not the run. */
export async function askCommand(id: string, question: string, flags: AskFlags): Promise<void> {
  const { temperature, maxTokens, seed } = flags;
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const system = flags.system === '' ? [] : [{ role: 'system' as const, content: flags.system }];
  await withHost(async (host) => {
    const params = {
      id,
      adapter: !flags.base,
      messages: [...system, { role: 'user' as const, content: question }],
      sampling: { temperature, maxNewTokens: maxTokens, seed },
    };
    let answer = '';
    for await (const event of host.stream('runs.ask', params, stop.signal)) {
      answer += event.text;
      if (!flags.json) process.stdout.write(event.text);
      if (!event.done) continue;
      const { step, tokens, seconds, finish } = event;
      if (flags.json) return printJson({ answer, step, tokens, seconds, finish });
      process.stdout.write('\n');
      process.stderr.write(`step ${step}, ${tokens} tokens; the training waited ${seconds.toFixed(1)} s\n`);
    }
  });
}

/** Throws run.not_live, with the way to go on, for a run that is not going. */
export async function pauseCommand(id: string, paused: boolean, json: boolean): Promise<void> {
  await withHost(async (host) => {
    const { state, phase } = host.services.runs.status(id);
    if (!paused && (state === 'stopped' || state === 'failed'))
      throw new CollieError(
        'run.not_live',
        `The run ${id} is not paused, it is ${state}.`,
        `Go on from its checkpoint with: collie run --resume ${id}`,
        { id, state },
      );
    if (!paused && phase !== PAUSED)
      throw new CollieError('request.invalid', `The run ${id} is not paused (${phase}).`, '', { id, phase });
    await host.call('runs.request', { id, request: paused ? 'pause' : 'continue' });
    if (json) return printJson({ id, paused });
    process.stdout.write(`${heard[paused ? 'pause' : 'continue']}\n`);
  });
}

const heard: Record<RunRequest, string> = {
  save: 'a checkpoint is saved after the current step',
  sample: 'the sample prompts are answered after the current step',
  evaluate: 'all evaluation sets are evaluated after the current step',
  end_epoch: 'it stops at the end of this epoch',
  pause: 'it pauses after the current step',
  continue: 'it trains on',
};

export async function tellCommand(id: string, request: RunRequest, json: boolean): Promise<void> {
  await withHost(async (host) => {
    await host.call('runs.request', { id, request });
    if (json) return printJson({ id, request });
    process.stdout.write(`${heard[request]}\n`);
  });
}

/** Throws request.invalid for a rate that is none, for an end that the run has passed, and where nothing is to be changed. */
export async function changeCommand(id: string, change: RunChange, json: boolean): Promise<void> {
  await withHost(async (host) => {
    await host.call('runs.change', { id, ...change });
    if (json) return printJson({ id, ...change });
    process.stdout.write('the new settings count from the next step on\n');
  });
}

export async function webhookCommand(
  url: string | undefined,
  { off, test }: { off: boolean; test: boolean },
  json: boolean,
): Promise<void> {
  const home = defaultHome();
  if (off && (url !== undefined || test))
    throw new CollieError('request.invalid', `Give ${test ? '--test' : 'an address'} or --off, not both.`);
  if (test) await testWebhook(url ?? readSettings(home).webhook ?? '');
  if (off || url !== undefined) setWebhook(home, off ? null : (url ?? null));
  const { webhook } = readSettings(home);
  if (json) return printJson({ webhook, ...(test ? { tested: true } : {}) });
  if (test) process.stdout.write('the test message was taken\n');
  process.stdout.write(webhook === null ? 'alarms are sent nowhere\n' : `alarms are sent to ${webhook}\n`);
}
