import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FOLDING_VERSIONS } from '../../../../src/relevance/pair/folding.ts';
import { foldText } from '../../../../src/relevance/pair/plain-folding.ts';
import { contentWords, currentFolding, textFolding } from '../../../../src/relevance/pair/text-folding.ts';

const plain = textFolding(1);
const unicode = textFolding(2);
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(...Array.from('aİıßﬁＫéё\u0301\u00ad\u200bשָׁالعَةـ茶壶ケトル กาต้มน้ำកំសៀវ1½.’\'"″ ')),
  }),
);

describe('every folding', () => {
  it.each(FOLDING_VERSIONS)(
    'of version %i splits words, keeps decimals and separates numbers from units',
    (version) => {
      expect(textFolding(version).words(`Men's T-Shirt X200, 1.5L & 500ml`)).toEqual(
        ['mens', 't', 'shirt', 'x200', '1.5', 'l', '500', 'ml'], // prettier-ignore
      );
    },
  );

  it.each(FOLDING_VERSIONS)('of version %i is idempotent, so that traces can quote folded text', (version) => {
    const folding = textFolding(version);
    fc.assert(
      fc.property(anyText, (text) => {
        const folded = folding.fold(text);
        expect(folding.fold(folded)).toBe(folded);
        expect(foldText(folded)).toBe(folded);
        expect(folding.words(folded)).toEqual(folding.words(text));
      }),
    );
  });

  it('agrees on ASCII, so that old models keep their meaning under new rules', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        expect(unicode.fold(text)).toBe(plain.fold(text));
        expect(unicode.words(text)).toEqual(plain.words(text));
      }),
    );
  });

  it('reduces plurals without touching short words and double s', () => {
    for (const version of FOLDING_VERSIONS) {
      const words = contentWords(textFolding(version), 'kettles glass gas bus kettle');
      expect([...words]).toEqual(['kettle', 'glass', 'gas', 'bus']);
    }
  });
});

describe('version 1', () => {
  it('folds only case, composition and white space', () => {
    expect(plain.fold('  Cafe\u0301\t NOIR\n')).toBe('café noir');
    expect(plain.words('größe 红色 ½')).toEqual(['größe', '红色', '½']);
  });

  it('is the default for models without a version', () => {
    expect(textFolding(undefined).version).toBe(1);
    expect(currentFolding().version).toBe(2);
  });
});

describe('version 2', () => {
  it.each([
    ['full width', 'Ｌａｍｐ　２３', 'lamp 23'],
    ['ligatures', 'oﬃce ﬂoor', 'office floor'],
    ['styled letters', '𝐋𝐚𝐦𝐩 Ⓛⓐⓜⓟ', 'lamp lamp'],
    ['soft hyphens', 'lam\u00adp', 'lamp'],
    ['zero width', 'l\u200ba\u200cm\u200dp\ufeff', 'lamp'],
    ['direction marks', '\u202alamp\u202c', 'lamp'],
    ['Turkish capitals', 'LAMBA İÇİN IŞIK', 'lamba icin isik'],
    ['the dotless i', 'ışık', 'isik'],
    ['sharp s', 'Straße STRASSE STRAẞE', 'strasse strasse strasse'],
    ['accents, composed and decomposed', 'Crème cre\u0300me', 'creme creme'],
    ['Hebrew points', 'מְנוֹרָה', 'מנורה'],
    ['Arabic vowel signs and the tatweel', 'مِصْبَاح مصـــباح', 'مصباح مصباح'],
    ['final sigma', 'ΛΆΜΠΑΣ λάμπας', 'λαμπασ λαμπασ'],
    ['trade marks', 'Lampo™', 'lampo'],
    ['curly and acute apostrophes', 'lamp’s lamp´s lamp‘s', 'lamps lamps lamps'],
    ['fractions, separated from a preceding number', '1½', '1 1 2'],
  ])('folds %s', (_, written, words) => {
    expect(unicode.words(written).join(' ')).toBe(words);
  });

  it('keeps the vowel signs that are letters of their words', () => {
    expect(unicode.words('दीपक')).toEqual(['दीपक']);
    expect(unicode.words('น้ำ')).toEqual(unicode.words('น้ํา'));
    expect(unicode.words('น้ำ').join('')).toBe('น้ำ');
  });

  it.each([
    ['Chinese', '台灯', '白色的台灯'],
    ['Japanese', 'ランプ', '白いランプ'],
    ['Thai', 'โคมไฟ', 'โคมไฟสีขาว'],
    ['Khmer', 'ចង្កៀង', 'ចង្កៀងពណ៌ស'],
    ['Lao', 'ໂຄມໄຟ', 'ໂຄມໄຟສີຂາວ'],
    ['Burmese', 'မီးအိမ်', 'မီးအိမ်အဖြူ'],
  ])('finds the words of a query in a longer %s text', (_, query, title) => {
    const [asked, offered] = [unicode.words(query), unicode.words(title)];
    expect(asked.length).toBeGreaterThan(0);
    expect(offered.length).toBeGreaterThan(asked.length);
    expect(asked.filter((word) => !offered.includes(word))).toEqual([]);
  });

  it('splits scripts within a run', () => {
    expect(unicode.words('iPhone手机壳')[0]).toBe('iphone');
  });

  it('gives equal words for equivalent encodings', () => {
    const unseen = fc.constantFrom('\u00ad', '\u200b', '\u2060', '\ufeff');
    const letters = fc.string({ unit: fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz')), minLength: 1 });
    fc.assert(
      fc.property(letters, unseen, fc.nat(), (word, mark, place) => {
        const at = place % (word.length + 1);
        const wide = Array.from(word, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)).join('');
        expect(unicode.words(`${word.slice(0, at)}${mark}${word.slice(at)}`)).toEqual([word]);
        expect(unicode.words(wide)).toEqual([word]);
        expect(unicode.words(wide.toUpperCase())).toEqual([word]);
      }),
    );
  });
});
