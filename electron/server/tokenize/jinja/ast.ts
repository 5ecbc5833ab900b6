/** The tree of a template: what `parse` makes and `evaluate` walks. Names follow `jinja2.nodes`. */

export type Expression =
  | { kind: 'const'; value: null | boolean | number | string }
  | { kind: 'float'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'list' | 'tuple'; items: Expression[] }
  | { kind: 'dict'; entries: [Expression, Expression][] }
  | { kind: 'attribute'; object: Expression; name: string }
  | { kind: 'item'; object: Expression; key: Expression }
  | { kind: 'slice'; object: Expression; parts: (Expression | null)[] }
  | { kind: 'call'; callee: Expression; args: Arguments }
  | { kind: 'filter'; value: Expression | null; name: string; args: Arguments }
  | { kind: 'test'; value: Expression; name: string; args: Arguments }
  | { kind: 'unary'; operator: 'not' | '-' | '+'; value: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'logic'; operator: 'and' | 'or'; left: Expression; right: Expression }
  | { kind: 'concat'; items: Expression[] }
  | { kind: 'compare'; first: Expression; rest: { operator: string; value: Expression }[] }
  | { kind: 'condition'; test: Expression; then: Expression; otherwise: Expression | null };

export interface Arguments {
  positional: Expression[];
  named: [string, Expression][];
  /** `*list` and `**dict`. */
  list: Expression | null;
  dict: Expression | null;
}

export interface Parameter {
  name: string;
  fallback: Expression | null;
}

export type Target =
  | { kind: 'name'; name: string }
  | { kind: 'tuple'; items: Target[] }
  | { kind: 'namespace'; name: string; attribute: string };

export type Statement =
  | { kind: 'text'; text: string }
  | { kind: 'print'; value: Expression }
  | { kind: 'if'; branches: { test: Expression; body: Statement[] }[]; otherwise: Statement[] }
  | {
      kind: 'for';
      target: Target;
      list: Expression;
      test: Expression | null;
      body: Statement[];
      otherwise: Statement[];
    }
  | { kind: 'set'; target: Target; value: Expression }
  | { kind: 'capture'; target: Target; filter: Expression | null; body: Statement[] }
  | { kind: 'macro'; name: string; parameters: Parameter[]; body: Statement[] }
  | { kind: 'callBlock'; call: Expression; parameters: Parameter[]; body: Statement[] }
  | { kind: 'filterBlock'; filter: Expression; body: Statement[] }
  | { kind: 'with'; values: [Target, Expression][]; body: Statement[] }
  | { kind: 'scope'; body: Statement[] }
  | { kind: 'break' | 'continue' };
