/** One question to a judge: only the address that was named, no longer than it may take, no more of an answer than is read. */
import { z } from 'zod';
import type { JudgeEndpoint } from '../../shared/spec/judge.ts';
import { why } from '../settings/post.ts';

/** Far above what a verdict takes. */
export const MOST_BODY_BYTES = 1024 * 1024;
const MOST_MESSAGE = 200;

/** What to do after a failure: ask about the same answer again, leave it, or ask nothing more at all. */
export type FaultKind = 'again' | 'answer' | 'endpoint';

export class JudgeFault extends Error {
  readonly kind: FaultKind;
  /** The server is there. */
  readonly replied: boolean;
  /** After how long it wants to be asked again; null: it did not say. */
  readonly afterMs: number | null;

  /** `message`: the end of a sentence that begins with "the judge". */
  constructor(kind: FaultKind, message: string, { replied = true, afterMs = null as number | null } = {}) {
    super(message);
    this.kind = kind;
    this.replied = replied;
    this.afterMs = afterMs;
  }
}

const replySchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
});

/** Returns what it said. Throws JudgeFault; the signal's reason once it aborts. `key`: sent as a bearer token; null: none. */
export async function askJudge(
  judge: JudgeEndpoint,
  prompt: string,
  { key, signal }: { key: string | null; signal: AbortSignal },
): Promise<string> {
  const limit = AbortSignal.timeout(judge.timeout_seconds * 1000);
  try {
    const response = await fetch(`${judge.url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(bodyOf(judge, prompt)),
      // What was allowed is this address: it cannot hand rows, or the key, on to another.
      redirect: 'manual',
      signal: AbortSignal.any([limit, signal]),
    });
    if (response.status >= 300 && response.status < 400) throw await redirected(response);
    const text = await textOf(response);
    if (!response.ok) throw statusFault(response, text, key);
    return contentOf(text);
  } catch (thrown) {
    if (thrown instanceof JudgeFault) throw thrown;
    signal.throwIfAborted();
    if (limit.aborted)
      throw new JudgeFault('again', `gave no answer in ${judge.timeout_seconds} seconds`, { replied: false });
    throw new JudgeFault('again', `could not be reached (${why(thrown)})`, { replied: false });
  }
}

const bodyOf = ({ model, temperature, form }: JudgeEndpoint, content: string) => ({
  model,
  messages: [{ role: 'user', content }],
  stream: false,
  ...(temperature === null ? {} : { temperature }),
  ...(form === 'json' ? { response_format: { type: 'json_object' } } : {}),
});

/** Ends a reply that is too long where it is too long, whatever it says of its own length. */
async function textOf({ body }: Response): Promise<string> {
  if (!body) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > MOST_BODY_BYTES)
      throw new JudgeFault('answer', `sent more than ${MOST_BODY_BYTES / 1024 / 1024} MiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function contentOf(text: string): string {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    throw new JudgeFault('answer', 'sent no JSON');
  }
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success) throw new JudgeFault('answer', 'sent no chat completion');
  return parsed.data.choices[0]?.message.content ?? '';
}

function statusFault({ status, headers }: Response, text: string, key: string | null): JudgeFault {
  const said = `answered ${status}${detailOf(text, key)}`;
  if (status === 429 || status === 408 || status >= 500)
    return new JudgeFault('again', said, { afterMs: waitOf(headers.get('retry-after')) });
  const hopeless = status === 401 || status === 403 || status === 404 || status === 405;
  return new JudgeFault(hopeless ? 'endpoint' : 'answer', said);
}

async function redirected({ body, headers }: Response): Promise<JudgeFault> {
  await body?.cancel();
  const place = placeOf(headers.get('location'));
  return new JudgeFault('endpoint', `redirects to ${place}, which is not followed`);
}

/** Of another address only who it is: the rest may hold anything. */
function placeOf(location: string | null): string {
  if (location === null) return 'nowhere';
  return URL.canParse(location) ? new URL(location).origin : 'another place of its own';
}

/** What a server says of an error in OpenAI's form; some repeat the key in it. */
function detailOf(text: string, key: string | null): string {
  let message: unknown;
  try {
    const { error } = Object(JSON.parse(text)) as { error?: unknown };
    message = typeof error === 'string' ? error : Object(error).message;
  } catch {
    return '';
  }
  if (typeof message !== 'string' || message === '') return '';
  return ` (${withoutKey(message, key)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, MOST_MESSAGE)})`;
}

export const withoutKey = (text: string, key: string | null): string =>
  key === null ? text : text.replaceAll(key, '[the key]');

/** Seconds, or a date. */
function waitOf(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
