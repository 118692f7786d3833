/**
 * Version 2 of folding: texts that readers take for the same have the same words, however they are written.
 *
 * - compatibility forms are unified (NFKC): full width, ligatures, circled and styled letters;
 * - what is not seen is dropped: soft hyphens, zero-width characters, marks of direction, variation selectors;
 * - case is folded, with the dotted and dotless i of Turkish as "i", sharp s as "ss" and final sigma as sigma;
 * - marks that writers may leave out are dropped: accents, Hebrew and Arabic vowel signs, the Arabic stretch. The vowel signs
 *   of Indic and South-East Asian scripts are letters of their words and are kept;
 * - text of scripts without spaces (Chinese, Japanese, Thai, Khmer, Lao, Burmese) is split by the dictionaries of
 *   `Intl.Segmenter`, which may differ from engine to engine.
 */
import { type TextFolding, WORD } from './folding.ts';

// eslint-disable-next-line no-control-regex -- the whole of ASCII is meant
const ASCII = /^[\0-\x7F]*$/;

/** Marks that NFKC would join to the word before ("SonyTM", "11/2"), or take for something else (an inch mark for two feet). */
const APART = /[™℠]|(?=[¼-¾⅐-⅞↉])/gu;
const INCH_MARK = /″/gu;
const ACUTE_APOSTROPHE = /´/gu;

/** Characters that are not seen. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}+/gu;
/** Accents; the Arabic stretch; Hebrew points and Arabic vowel signs. After NFD. */
const OPTIONAL_MARKS =
  /(?:[\u0300-\u036F\u0640]|(?=[\p{Script_Extensions=Hebrew}\p{Script_Extensions=Arabic}])\p{M})+/gu;
const LETTERS: Readonly<Record<string, string>> = { ß: 'ss', ı: 'i', ς: 'σ' };
/** NFKC takes the vowel AM of Thai and Lao apart, and dictionaries know it in one piece. */
const APART_AM = /\u0E4D\u0E32|\u0ECD\u0EB2/gu;

const APOSTROPHES = /['’‘‛ʼ]/gu;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}]/u;

export class UnicodeFolding implements TextFolding {
  readonly version = 2;
  // Made when it is first needed, because its dictionaries take time to load.
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

/** A text in folded letters; spaces are left as they are. */
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
