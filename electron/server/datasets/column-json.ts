/** A column of a source as JSON, in SQL, by its type: values that JSON does not have, and fields that a row does not have. */
import {
  DuckDBArrayType,
  DuckDBDoubleType,
  DuckDBFloatType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api';
import { identifier, literal } from './sql.ts';

/** JSON has no NaN and no infinities. */
const isFloat = (type: DuckDBType) => type instanceof DuckDBDoubleType || type instanceof DuckDBFloatType;

/** Whether a value of this type holds something that `to_json` would not write as it should be. */
function needsCare(type: DuckDBType): boolean {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return needsCare(type.valueType);
  return type instanceof DuckDBStructType || isFloat(type);
}

/**
 * Typed files (Parquet) have every field that any row has in every row, as null: what a tool's schema or the arguments of a call look like
 * after they went through `datasets`. Such fields are left out, in objects within lists too.
 */
function jsonValue(value: string, type: DuckDBType, depth: number): string {
  if (!needsCare(type)) return `to_json(${value})`;
  if (isFloat(type)) return `CASE WHEN isfinite(${value}) THEN to_json(${value}) END`;
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const item = `item${depth}`;
    return `to_json(list_transform(${value}, lambda ${item}: ${jsonValue(item, type.valueType, depth + 1)}))`;
  }
  const { entryNames, entryTypes } = type as DuckDBStructType;
  const fields = entryNames.map(
    (name, k) =>
      `${literal(name)}, ${jsonValue(`struct_extract(${value}, ${literal(name)})`, entryTypes[k] as DuckDBType, depth)}`,
  );
  // A merge patch (RFC 7396) leaves out what is null.
  return `CASE WHEN ${value} IS NOT NULL THEN json_merge_patch('{}', json_object(${fields.join(', ')})) END`;
}

/** The expression for a column of a FROM clause. */
export const columnJson = (name: string, type: DuckDBType): string =>
  type.alias === 'JSON' ? identifier(name) : jsonValue(identifier(name), type, 0);

/** What `json_type` would say of every value of a nested column; null: it has to be asked. */
export function nestedJsonType(type: DuckDBType): 'ARRAY' | 'OBJECT' | null {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return 'ARRAY';
  return type instanceof DuckDBStructType || type instanceof DuckDBMapType ? 'OBJECT' : null;
}
