/**
 * JSON as people's programs write it, made into JSONL: objects one after another, pretty-printed, several on a line, with commas
 * between them or in a list; NaN and Infinity (Python) become null; halves of surrogate pairs become U+FFFD, as Python's `errors=
 * "replace"` has it. Nothing else is forgiven.
 */

const TOKEN = /"(?:[^"\\]|\\[\s\S])*"|-?Infinity|NaN|[{}[\]]|\n|[^"{}[\]\nNI-]+|[\s\S]/y;
/** An escape of a half of a surrogate pair that has no other half beside it. */
const LONE =
  /\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(\\u[dD][89a-fA-F][\da-fA-F]{2})/g;

/** What was replaced. */
export interface Replaced {
  /** NaN and infinities that became null. */
  notFinite: number;
  /** Halves of surrogate pairs that became U+FFFD. */
  surrogates: number;
}

const isSpace = (text: string) => /^[\s,\uFEFF]*$/.test(text);

/** An object as JSON on one line, and the list that it stands in. */
export interface LooseObject {
  json: string;
  /** Of the lists of the text, from 1; 0: none. */
  list: number;
  /** Lists around it. */
  depth: number;
}

/** The objects of a text. Throws SyntaxError with the line where something else stands. */
export function* looseObjects(text: string, replaced: Replaced): Generator<LooseObject> {
  let line = 1;
  let depth = 0;
  let outer = 0;
  let list = 0;
  let parts: string[] = [];
  const fail = (what: string): never => {
    throw new SyntaxError(`line ${line}: ${what}`);
  };
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) break;
    const at = TOKEN.lastIndex;
    if (token === '\n') {
      line += 1;
      continue;
    }
    if (depth === 0) {
      if (token === '{') {
        depth = 1;
        parts = ['{'];
      } else if (token === '[') {
        outer += 1;
        list += 1;
      } else if (token === ']' && outer > 0) outer -= 1;
      else if (!isSpace(token))
        fail(`${JSON.stringify(token.slice(0, 40))} stands where an object {...} is expected`);
      continue;
    }
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    if (token.startsWith('"')) {
      parts.push(
        token.replace(LONE, (whole, lone) => {
          if (lone === undefined) return whole;
          replaced.surrogates += 1;
          return '\\ufffd';
        }),
      );
      line += token.split('\n').length - 1;
    } else if (token === 'NaN' || token.endsWith('Infinity')) {
      replaced.notFinite += 1;
      parts.push('null');
    } else parts.push(token);
    if (depth === 0) {
      yield { json: parts.join(''), list: outer === 0 ? 0 : list, depth: outer };
      TOKEN.lastIndex = at;
    }
  }
  if (depth > 0) fail('the file ends inside an object');
}

/** A JSON value that may hold NaN or infinities, as DuckDB writes numbers of Parquet; they become null. */
export function parseLoose(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(
      text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|nan|Infinity|inf)\b/g, (one) =>
        one.startsWith('"') ? one : 'null',
      ),
    );
  }
}
