import { UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import classes from './CellValue.module.css';

/** Longer than this, a value is clipped until it is opened. */
const CLIP_CHARS = 220;
const CLIP_LINES = 4;

interface Message {
  readonly role: string;
  readonly content: string;
}

/** A list of messages in OpenAI or ShareGPT form, else null. */
export function asMessages(value: unknown): Message[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const messages: Message[] = [];
  for (const item of value) {
    if (typeof item !== 'object' || item === null) return null;
    const { role, content, from, value: text } = item as Record<string, unknown>;
    const who = role ?? from;
    const what = content ?? text;
    if (typeof who !== 'string' || typeof what !== 'string') return null;
    messages.push({ role: who, content: what });
  }
  return messages;
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  const messages = asMessages(value);
  if (messages) return messages.map((m) => `${m.role}: ${m.content}`).join('\n');
  return typeof value === 'object' ? JSON.stringify(value, null, 1) : String(value);
}

/** One value of a row: whole when short, clipped with a button when long. */
export function CellValue({ value }: { value: unknown }) {
  const [open, setOpen] = useState(false);
  if (value === null || value === undefined) return <span className={classes.empty}>empty</span>;
  const text = cellText(value);
  if (text === '') return <span className={classes.empty}>""</span>;
  const long = text.length > CLIP_CHARS || text.split('\n').length > CLIP_LINES;
  return (
    <div>
      <div className={classes.text} data-clipped={(long && !open) || undefined}>
        {text}
      </div>
      {long && (
        <UnstyledButton className={classes.more ?? ''} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Show less' : `Show all ${text.length.toLocaleString('en')} characters`}
        </UnstyledButton>
      )}
    </div>
  );
}
