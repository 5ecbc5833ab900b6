import { useMemo } from 'react';
import type { TokenizedRow } from '../../../../electron/shared/api/entities.ts';
import classes from './TokenView.module.css';

/** Marks of chat templates and vocabularies: <|im_end|>, <s>, [INST]. */
const SPECIAL = /^(<\|.*\|>|<\/?[a-z_]+>|\[\/?[A-Z_]+\])$/;

/** A token's text with its invisible characters made visible. */
export function glyphs(text: string): string {
  return text
    .replaceAll('\n', '↵')
    .replaceAll('\t', '⇥')
    .replaceAll('\r', '␍')
    .replace(/^ +/, (spaces) => '·'.repeat(spaces.length))
    .replace(/ +$/, (spaces) => '·'.repeat(spaces.length));
}

interface Token {
  readonly place: number;
  readonly id: number;
  readonly text: string;
  readonly trained: boolean;
}

/** Tokens in lines of text: a line ends with the token that holds a newline. */
export function tokenLines(row: TokenizedRow): Token[][] {
  const lines: Token[][] = [[]];
  row.ids.forEach((id, place) => {
    const text = row.texts[place] ?? '';
    lines.at(-1)?.push({ place, id, text, trained: row.trained[place] ?? false });
    if (text.includes('\n')) lines.push([]);
  });
  return lines.filter((line) => line.length > 0);
}

/**
 * Every token of a row. Trained ones have a coloured ground and a solid line below, masked ones neither; special
 * tokens are framed with dashes.
 */
export function TokenView({ row }: { row: TokenizedRow }) {
  const lines = useMemo(() => tokenLines(row), [row]);
  return (
    <section className={classes.view} aria-label="Tokens">
      {lines.map((line) => (
        <div key={line[0]?.place} className={classes.line}>
          {line.map((token) => (
            <TokenChip key={token.place} token={token} />
          ))}
        </div>
      ))}
    </section>
  );
}

function TokenChip({ token }: { token: Token }) {
  const state = token.trained ? 'trained' : 'masked';
  return (
    <span
      className={classes.token}
      data-state={state}
      data-special={SPECIAL.test(token.text) || undefined}
      title={`Token ${token.place + 1}, id ${token.id}, ${state}`}
    >
      {glyphs(token.text) || '∅'}
    </span>
  );
}

export function TokenLegend() {
  return (
    <div className={classes.legend}>
      <span>
        <span className={classes.token} data-state="trained">
          trained
        </span>{' '}
        counts in the loss
      </span>
      <span>
        <span className={classes.token} data-state="masked">
          masked
        </span>{' '}
        is read only
      </span>
      <span>
        <span className={classes.token} data-state="masked" data-special>
          &lt;|im_end|&gt;
        </span>{' '}
        special token
      </span>
      <span>↵ newline, · space, ⇥ tab</span>
    </div>
  );
}
