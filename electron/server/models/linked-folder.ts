/**
 * A folder of the library that stands for one outside: links to its files, and files of its own in place of those that it lacks or that were
 * changed here. What reads models sees one folder in Hugging Face layout, and the one outside stays as it is.
 */
import { link, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeText } from '../files/write.ts';

/** The only folder inside of a model's that is read. */
const TEMPLATES_FOLDER = 'additional_chat_templates';

/** Fills `folder`, which is there: `own` are texts by name, everything else (or only these `names`) is linked. */
export async function linkFolder(
  source: string,
  folder: string,
  own: Readonly<Record<string, string>>,
  names?: readonly string[],
): Promise<void> {
  for (const name of names ?? (await readdir(source))) {
    if (name.startsWith('.') || name in own) continue;
    const path = join(source, name);
    const info = await stat(path).catch(() => null);
    if (info?.isFile() || name === TEMPLATES_FOLDER) await linkTo(path, join(folder, name));
  }
  for (const [name, text] of Object.entries(own)) await writeText(join(folder, name), text, { flush: true });
}

async function linkTo(path: string, place: string): Promise<void> {
  try {
    await symlink(path, place);
  } catch (thrown) {
    // Windows keeps symbolic links to administrators; another name of the same file is for everybody.
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') throw thrown;
    await link(path, place);
  }
}
