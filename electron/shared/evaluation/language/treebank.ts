/** Words of a sentence as NLTK's word tokenizer has them, which went out from the rules of the Penn Treebank: regular expressions, one after another. */
import { WHITE, WORD, words } from '../text.ts';

type Rule = readonly [RegExp, string];
const rule = (pattern: string, replacement: string, flags = 'gu'): Rule => [
  new RegExp(pattern, flags),
  replacement,
];

const APART = ' $& ';
const END = `(?![${WORD}])`;
const BEGIN = `(?<![${WORD}])`;

const before: readonly Rule[] = [
  // Quotation marks that begin something.
  rule('([«“‘„]|`+)', ' $1 '),
  rule('^"', '``'),
  rule('``', APART),
  rule('([ (\\[{<])("|\'{2})', '$1 `` '),
  rule(`${BEGIN}(')(?!(?:re|ve|ll|m|t|s|d|n)${END})(?=[${WORD}])`, '$1 ', 'giu'),
  // Punctuation; the lookahead with its reference never gives back what it took.
  rule(`([^.])(\\.)(?=([\\])}>"'»”’ ]*))\\3[${WHITE}]*$`, '$1 $2 $3 '),
  rule('([:,])(\\P{Nd})', ' $1 $2'),
  rule('([:,])$', ' $1 '),
  rule('\\.{2,}', APART),
  rule('[;@#$%&]', APART),
  rule('[\\u2012-\\u2015]', APART),
  rule(`([^.])(\\.)([\\])}>"']*)[${WHITE}]*$`, '$1 $2$3 '),
  rule('[?!]', APART),
  rule("([^'])' ", "$1 ' "),
  rule('[*]', APART),
  rule('[\\]\\[(){}<>]', APART),
  rule('--', APART),
];

const after: readonly Rule[] = [
  // Quotation marks that end something, and what is short for a word.
  rule('[»”’]', APART),
  rule("''", APART),
  rule('"', " '' "),
  rule(`[${WHITE}]+`, ' '),
  rule("([^' ])('[sS]|'[mM]|'[dD]|') ", '$1 $2 '),
  rule("([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", '$1 $2 '),
  // Two words in one.
  ...['(can)(not)', "(d)('ye)", '(gim)(me)', '(gon)(na)', '(got)(ta)', '(lem)(me)', "(more)('n)"].map(
    (pair) => rule(`${BEGIN}${pair}${END}`, ' $1 $2 ', 'giu'),
  ),
  rule(`${BEGIN}(wan)(na)(?=[${WHITE}])`, ' $1 $2 ', 'giu'),
  rule(` ('t)(is|was)${END}`, ' $1 $2 ', 'giu'),
];

const applied = (text: string, rules: readonly Rule[]) =>
  rules.reduce((changed, [pattern, replacement]) => changed.replace(pattern, replacement), text);

export const sentenceWords = (sentence: string): string[] =>
  words(applied(` ${applied(sentence, before)} `, after));
