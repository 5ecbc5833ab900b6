/** Ids of library entries: folder names that are safe everywhere (the rule of `shared/api/api.ts`). */

const MODEL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;
const MOST = 80;

/** How the name of a folder begins that an import is filling. */
export const PARTIAL_MODEL = '.partial-';

export const isModelId = (id: string) => MODEL_ID.test(id);

/** "SmolLM2 135M (Instruct)" -> "smollm2-135m-instruct". */
export function slug(name: string): string {
  const id = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, MOST);
  return id || 'model';
}

/** The id itself, or with the first free number behind it. */
export function uniqueId(id: string, taken: readonly string[]): string {
  if (!taken.includes(id)) return id;
  for (let n = 2; ; n++) if (!taken.includes(`${id}-${n}`)) return `${id}-${n}`;
}
