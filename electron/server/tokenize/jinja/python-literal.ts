/** Values as Python prints them (`[{'role': 'user', ...}]`): what pandas writes for a list in a CSV column. */
import type { Expression } from './ast.ts';
import { tokenize } from './lexer.ts';
import { ExpressionParser } from './parser.ts';

function read(node: Expression): unknown {
  switch (node.kind) {
    case 'const':
    case 'float':
      return node.value;
    case 'list':
    case 'tuple':
      return node.items.map(read);
    case 'dict':
      return Object.fromEntries(node.entries.map(([key, value]) => [String(read(key)), read(value)]));
    case 'unary':
      if (node.operator === '-' && typeof read(node.value) === 'number') return -(read(node.value) as number);
  }
  throw new Error('not a literal');
}

/** The JSON value of a Python literal; undefined when the text is none. */
export function pythonLiteral(text: string): unknown {
  try {
    // As the inside of a tag; braces of a dict do not end it.
    const tokens = tokenize(`{{ ${text} }}`).slice(1);
    return read(new ExpressionParser(tokens).expression());
  } catch {
    return undefined;
  }
}
