/**
 * Version 2 of folding: texts that readers take as equal have equal words, however they are encoded.
 *
 * - compatibility forms are unified (NFKC): full width, ligatures, circled and styled letters;
 * - invisible characters are dropped: soft hyphens, zero-width characters, direction marks, variation selectors;
 * - case is folded: Turkish dotted and dotless i become "i", sharp s becomes "ss", final sigma becomes sigma;
 * - optional marks are dropped: accents, Hebrew and Arabic vowel signs, the Arabic tatweel. The vowel signs of Indic
 *   and South-East Asian scripts are letters of their words and are kept;
 * - text of scripts without spaces (Chinese, Japanese, Thai, Khmer, Lao, Burmese) is split by the dictionaries of
 *   `Intl.Segmenter`, which may differ between engines.
 */
import { type TextFolding, WORD } from './folding.ts';

// eslint-disable-next-line no-control-regex -- the range is all of ASCII
const ASCII = /^[\0-\x7F]*$/;

/** Signs that NFKC would join to the word before ("SonyTM", "11/2") or change (a double prime, which means inches). */
const APART = /[™℠]|(?=[¼-¾⅐-⅞↉])/gu;
const INCH_MARK = /″/gu;
const ACUTE_APOSTROPHE = /´/gu;

/** Invisible characters. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}+/gu;
/** Accents, the Arabic tatweel, Hebrew points and Arabic vowel signs; applied after NFD. */
const OPTIONAL_MARKS =
  /(?:[\u0300-\u036F\u0640]|(?=[\p{Script_Extensions=Hebrew}\p{Script_Extensions=Arabic}])\p{M})+/gu;
const LETTERS: Readonly<Record<string, string>> = { ß: 'ss', ı: 'i', ς: 'σ' };
/** NFKC decomposes the vowel AM of Thai and Lao, but the dictionaries expect it composed. */
const APART_AM = /\u0E4D\u0E32|\u0ECD\u0EB2/gu;

const APOSTROPHES = /['’‘‛ʼ]/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}]/u;

export class UnicodeFolding implements TextFolding {
  readonly version = 2;
  // Created on first use, because its dictionaries take time to load.
  #segmenter: Intl.Segmenter | undefined;

  fold(text: string): string {
    const letters = ASCII.test(text) ? text.toLowerCase() : foldLetters(text);
    return letters.replace(/\s+/gu, ' ').trim();
  }

  words(text: string): string[] {
    if (ASCII.test(text)) return text.toLowerCase().replaceAll("'", '').match(WORD) ?? [];
    const folded = foldLetters(text).replaceAll(APOSTROPHES, '');
    const words = folded.match(WORD) ?? [];
    return UNSPACED.test(folded) ? words.flatMap((word) => this.#split(word)) : words;
  }

  #split(word: string): string[] {
    if (!UNSPACED.test(word)) return [word];
    this.#segmenter ??= new Intl.Segmenter('en', { granularity: 'word' });
    return Array.from(this.#segmenter.segment(word), ({ segment }) => segment);
  }
}

/** Folds the letters of a text and leaves its spaces unchanged. */
function foldLetters(text: string): string {
  return text
    .replaceAll(INCH_MARK, '"')
    .replaceAll(ACUTE_APOSTROPHE, "'")
    .replaceAll(APART, ' ')
    .normalize('NFKC')
    .replaceAll(UNSEEN, '')
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(OPTIONAL_MARKS, '')
    .replaceAll(/[ßıς]/gu, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFKC')
    .replaceAll(APART_AM, (parts) => (parts.startsWith('\u0E4D') ? '\u0E33' : '\u0EB3'));
}
