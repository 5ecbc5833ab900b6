/** What instructions are checked by, read when it is first needed (assets/evaluation). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { TextTools } from '../../shared/evaluation/ifeval/follow.ts';
import { type LanguageData, LanguageDetector } from '../../shared/evaluation/language/detect.ts';
import { type PunktParameters, SentenceSplitter } from '../../shared/evaluation/language/punkt.ts';
import { sentenceWords } from '../../shared/evaluation/language/treebank.ts';
import { installRoot } from '../native/addon.ts';
import { limited } from './limited.ts';

const bytes = (name: string) => readFileSync(join(installRoot(), 'assets/evaluation', name));

/** Once for all that ask. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const splitter = once(
  () => new SentenceSplitter(JSON.parse(bytes('punkt-english.json').toString()) as PunktParameters),
);
const detector = once(
  () => new LanguageDetector(JSON.parse(gunzipSync(bytes('languages.json.gz')).toString()) as LanguageData),
);

export const textTools: TextTools = {
  sentences: (text) => splitter().split(text),
  words: (text) => splitter().split(text).flatMap(sentenceWords),
  language: (text) => detector().detect(text),
  limited: ({ source }, search) => limited(`The pattern ${source}`, search),
};
