import { describe, expect, it } from 'vitest';
import { specJsonSchema, specMarkdown, staleDocs } from '../../../electron/server/spec/docs.ts';
import { specFields } from '../../../electron/shared/spec-fields.ts';

describe('docs of the spec', () => {
  it('are current (else: npm run docs:spec)', () => {
    expect(staleDocs()).toEqual([]);
  });

  it('name every setting and its default', () => {
    const text = specMarkdown();
    for (const { path, required, default: value } of specFields()) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${path}\` |`));
      expect(row, path).toContain(required ? '**required**' : `\`${JSON.stringify(value)}\``);
    }
  });

  it('are a JSON Schema that knows required settings and limits', () => {
    const schema = specJsonSchema() as {
      required: string[];
      additionalProperties: boolean;
      properties: Record<string, { minimum?: number; maximum?: number; default?: unknown }>;
    };
    expect(schema.required).toEqual(['model', 'dataset', 'method', 'optimizer']);
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties.seed).toMatchObject({ minimum: 0, maximum: 2147483647, default: 42 });
    expect(JSON.stringify(schema)).not.toContain('"help"');
  });
});
