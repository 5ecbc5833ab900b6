/** Outside text inside SQL: the only place where it is quoted. Values go in as parameters wherever DuckDB allows them. */

/** A string literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A column or table name. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The path of exactly one file to read, as a literal: characters that DuckDB reads as a pattern are taken as they are. */
export const fileLiteral = (path: string): string =>
  literal(path.replace(/[*?[]/g, (character) => `[${character}]`));
