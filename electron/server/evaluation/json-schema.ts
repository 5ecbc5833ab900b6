/** JSON Schema, of the drafts 2019-09 and 2020-12 (and what of draft 7 means the same there), by Ajv. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CollieError } from '../../shared/errors.ts';

/** Says of a value whether it is as the schema says. Throws spec.invalid where the schema is none. */
export function schemaValidator(schema: object): (value: unknown) => boolean {
  try {
    const validate = new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema);
    return (value) => validate(value) === true;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CollieError(
      'spec.invalid',
      `What was given as JSON Schema is no JSON Schema: ${why}.`,
      'Correct it; https://json-schema.org describes what it may hold.',
      {},
    );
  }
}
