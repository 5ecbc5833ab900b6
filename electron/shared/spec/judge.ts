/**
 * A judge of generated answers: a language model behind an address that the user names, asked in OpenAI's way (POST <url>/chat/completions). Rows leave the machine through it, so that
 * its address has to be allowed first (server/judge/allowed.ts); a key is named by the variable that holds it and stands in no file.
 */
import { z } from 'zod';
import { DEFAULT_JUDGE_PROMPT, scaleNames, verdictForms } from '../evaluation/judge.ts';
import { int, meta } from './field-meta.ts';

/** An address that can have no secret in it: the parts where one might stand are refused. */
export function judgeAddressProblem(url: string): string | null {
  if (!URL.canParse(url)) return 'is no address';
  const { protocol, username, password, search, hash } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return 'is no address of a web server';
  if (username !== '' || password !== '') return 'has a user or password in it: name the key by its variable';
  return search !== '' || hash !== '' ? 'has a part behind ? or #: give it without' : null;
}

const none = z.strictObject({ type: z.literal('none') }).meta(meta({ title: 'None', help: 'No judge.' }));

const endpoint = z
  .strictObject({
    type: z.literal('endpoint'),
    url: z
      .string()
      .min(1)
      .max(500)
      .superRefine((url, context) => {
        const problem = judgeAddressProblem(url);
        if (problem !== null)
          context.addIssue({ code: 'custom', message: `The address of the judge ${problem}.` });
      })
      .meta(
        meta({
          title: "Judge's address",
          help: 'Base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8080/v1`; `/chat/completions` is added. Questions, references and answers are sent there, once you have allowed it.',
        }),
      ),
    model: z
      .string()
      .min(1)
      .max(200)
      .meta(meta({ title: "Judge's model", help: 'What the server calls the model that judges.' })),
    key_env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable')
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'Variable of the key',
          help: 'Name of the environment variable that holds the API key, such as `OPENAI_API_KEY`; never the key itself. Empty: no key is sent.',
        }),
      ),
    scale: z
      .enum(scaleNames)
      .default('1-10')
      .meta(meta({ title: 'Scale', help: 'What the judge gives. A yes counts as 1, a no as 0.' })),
    prompt: z
      .string()
      .min(1)
      .max(20_000)
      .refine((prompt) => prompt.includes('{answer}'), {
        message: 'The prompt of the judge has no {answer}.',
      })
      .default(DEFAULT_JUDGE_PROMPT)
      .meta(
        meta({
          title: 'Prompt of the judge',
          help: 'What it is asked, with `{question}`, `{reference}` and `{answer}`. The scale and the form of the score are added at the end.',
          control: 'multiline',
          advanced: true,
        }),
      ),
    form: z
      .enum(verdictForms)
      .default('tag')
      .meta(
        meta({
          title: 'Form of the score',
          help: 'tag: `<score>7</score>` at the end of a text. json: an object with `score` and `reason`, asked for by `response_format`, which the server must know.',
          advanced: true,
        }),
      ),
    temperature: z
      .number()
      .min(0)
      .max(2)
      .nullable()
      .default(0)
      .meta(
        meta({
          title: "Judge's temperature",
          help: 'Of its answers. Empty: not sent, for models that take none.',
          step: 0.1,
          advanced: true,
        }),
      ),
    concurrency: int(1, 64)
      .default(4)
      .meta(meta({ title: 'At once', help: 'Answers that are judged at the same time.', advanced: true })),
    timeout_seconds: int(1, 600)
      .default(60)
      .meta(
        meta({
          title: 'Time for an answer',
          help: 'How long the judge may take for one answer.',
          unit: 'seconds',
          advanced: true,
        }),
      ),
    retries: int(0, 10)
      .default(3)
      .meta(
        meta({
          title: 'Tries again',
          help: 'How often one answer is asked about again after no reply, 429 or an error of the server, with growing pauses.',
          advanced: true,
        }),
      ),
    limit_seconds: int(1, 86_400)
      .default(300)
      .meta(
        meta({
          title: 'Time for all answers',
          help: 'How long one evaluation of the set may wait for the judge: training stands still meanwhile. What is not judged by then is counted and left out.',
          unit: 'seconds',
          advanced: true,
        }),
      ),
  })
  .meta(
    meta({
      title: 'A model by its address',
      help: 'Another language model grades the answers. Off unless chosen: questions, references and answers are sent to it.',
    }),
  );

export const judgeSchema = z.discriminatedUnion('type', [none, endpoint]);
export type JudgeSpec = z.infer<typeof judgeSchema>;
export type JudgeEndpoint = Extract<JudgeSpec, { type: 'endpoint' }>;

/** What the user allows: where rows go, and the key that goes with them. */
export interface JudgeAccess {
  origin: string;
  keyEnv: string | null;
}

export const accessOf = ({ url, key_env }: JudgeEndpoint): JudgeAccess => ({
  origin: new URL(url).origin,
  keyEnv: key_env,
});

/** "http://127.0.0.1:8080 with the key in OPENAI_API_KEY" */
export const accessText = ({ origin, keyEnv }: JudgeAccess): string =>
  keyEnv === null ? origin : `${origin} with the key in ${keyEnv}`;

/** What its scores depend on: with others, scores are not to be compared. */
export const judgeIdentity = ({ url, model, scale, prompt, form, temperature }: JudgeEndpoint) => ({
  url,
  model,
  scale,
  prompt,
  form,
  temperature,
});
