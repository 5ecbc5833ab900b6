/** Which columns of a dataset hold what: how a row becomes a conversation. */
import { z } from 'zod';
import { meta } from './field-meta.ts';

const toolsColumn = {
  title: 'Tools column',
  help: 'Optional column with the tools that the model may call in a row: a list of JSON schemas, written by chat templates that know tools.',
  control: 'column',
  advanced: true,
} as const;

const promptAnswerMapping = z
  .strictObject({
    kind: z.literal('prompt_answer'),
    prompt: z
      .string()
      .min(1)
      .meta(meta({ title: 'Prompt column', help: 'What the user says.', control: 'column' })),
    answer: z
      .string()
      .min(1)
      .meta(
        meta({
          title: 'Answer column',
          help: 'What the model should answer. The loss counts only these tokens.',
          control: 'column',
        }),
      ),
    context: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'Context column',
          help: "Optional column with what the prompt is about (Alpaca's `input`). Put after the prompt, with an empty line between; rows where it is empty or null are the prompt alone.",
          control: 'column',
        }),
      ),
    system: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'System column',
          help: 'Optional column with a system message per row. Rows where it is empty or null use the system message below.',
          control: 'column',
          advanced: true,
        }),
      ),
    history: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'History column',
          help: "Optional column with earlier turns (Alpaca's `history`): a list of [prompt, answer] pairs, put before the prompt. Their answers are trained too.",
          control: 'column',
          advanced: true,
        }),
      ),
    tools: z.string().min(1).nullable().default(null).meta(meta(toolsColumn)),
  })
  .meta(
    meta({
      title: 'Prompt and answer',
      help: 'Two columns: a question and its answer, as texts or as lists of messages.',
    }),
  );

const chatMapping = z
  .strictObject({
    kind: z.literal('chat'),
    messages: z
      .string()
      .min(1)
      .meta(
        meta({
          title: 'Messages column',
          help: 'A list of {role, content} messages (OpenAI) or {from, value} (ShareGPT). The loss counts only what the assistant says, tool calls included; not messages with `weight: 0` or `train: false`. Another `weight` is what a message counts.',
          control: 'column',
        }),
      ),
    system: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'System column',
          help: 'Optional column with a system message per row, for conversations that have none of their own.',
          control: 'column',
          advanced: true,
        }),
      ),
    tools: z.string().min(1).nullable().default(null).meta(meta(toolsColumn)),
  })
  .meta(meta({ title: 'Chat', help: 'One column that holds a whole conversation.' }));

export const mappingSchema = z.discriminatedUnion('kind', [promptAnswerMapping, chatMapping]);
export type Mapping = z.infer<typeof mappingSchema>;
