import { describe, expect, it } from 'vitest';
import { specJsonSchema, specMarkdown, staleDocs } from '../../../electron/server/spec/docs.ts';
import { specFields } from '../../../electron/shared/spec-fields.ts';

describe('docs of the spec', () => {
  it('are current (else: npm run docs:spec)', () => {
    expect(staleDocs()).toEqual([]);
  });

  it('name every setting and its default', () => {
    const lines = specMarkdown().split('\n');
    for (const { path, required, default: value } of specFields()) {
      // Variants may have a setting of one name with defaults of their own.
      const rows = lines.filter((line) => line.startsWith(`| \`${path}\` |`));
      const wanted = required ? '**required**' : `| \`${JSON.stringify(value)}\` |`;
      expect(rows.filter((row) => row.includes(wanted)).length, path).toBeGreaterThan(0);
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
    for (const key of ['help', 'family', 'traits', 'short', 'suggestions', 'rateFactor'])
      expect(JSON.stringify(schema)).not.toContain(`"${key}"`);
  });
});
