import { describe, expect, it } from 'vitest';
import { specJsonSchema, specMarkdown, staleDocs } from '../../../electron/server/spec/docs.ts';
import { specFields } from '../../../electron/shared/spec/spec-fields.ts';

describe('docs of the spec', () => {
  it('are current (else: npm run docs:spec)', () => {
    expect(staleDocs()).toEqual([]);
  });

  it('name every setting and its default', () => {
    const text = specMarkdown();
    for (const { path, required, default: value } of specFields()) {
      // One row a variant that has it, each with its own default.
      const rows = text.split('\n').filter((line) => line.startsWith(`| \`${path}\` |`));
      const cell = required ? '**required**' : `\`${JSON.stringify(value)}\``;
      expect(
        rows.some((row) => row.endsWith(`| ${cell} |`)),
        `${path} ${cell}`,
      ).toBe(true);
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
