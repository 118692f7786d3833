import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidenceOccurs } from '../../../../src/relevance/rules/evidence.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { parseQuantities } from '../../../../src/relevance/pair/quantities.ts';
import { documentValues } from '../../../../src/relevance/pair/document-text.ts';
import { induceLexicon, typeDocument } from '../../../../src/relevance/rules/typed-document.ts';

const catalogue = [
  {
    title: 'Targus ASF150EU screen protector Universal',
    brand: 'Targus',
    attributes: { colour: 'Black', ports: 'USB,HDMI' },
  },
  { title: 'ZAGG Glass screen protector Clear', brand: 'ZAGG', attributes: { colour: 'Black', ports: 'USB' } },
  { title: 'Sony Dock docking speaker Black', brand: 'Sony', attributes: { colour: 'Blue', ports: 'HDMI' } },
  { title: 'Philips DC320 docking speaker 12 W', brand: 'Philips', attributes: { colour: 'Blue', ports: 'HDMI' } },
  { title: 'Sony X odd thing', brand: 'Sony', attributes: { colour: 'Black', ports: 'USB' } },
  { title: 'all in small letters', brand: '', attributes: { colour: 'Blue', cable: 1.8 } },
].map((fields, i) => makeDocument({ docId: `${i}`, ...fields }));

describe('induceLexicon', () => {
  const lexicon = induceLexicon(catalogue);

  it('takes brands from fields, and types from lower-case words in titles of several brands', () => {
    expect([...lexicon.brands]).toEqual(['targus', 'zagg', 'sony', 'philips']);
    expect([...lexicon.types.keys()]).toEqual(['screen protector', 'docking speaker']);
  });

  it('takes values that several documents share, and distinguishes exclusive attributes from lists', () => {
    expect(lexicon.data.attributes).toEqual({
      colour: { values: ['black', 'blue'], exclusive: true },
      ports: { values: ['usb', 'hdmi'], exclusive: false },
    });
  });
});

describe('typeDocument', () => {
  const lexicon = induceLexicon(catalogue);
  const typed = (title: string, text = ''): ReturnType<typeof typeDocument> =>
    typeDocument(makeDocument({ docId: 'd', title, text, attributes: { length: '1.8 m' } }), lexicon);

  it('finds the last known type of a title and the target of an accessory', () => {
    expect(typed('Screen Protector docking speaker for iPod/iPhone, black')).toMatchObject({
      type: 'docking speaker',
      attributes: { length: '1.8 m', for: 'ipod iphone' },
    });
    expect(typed('Some Case', 'A case for the Nintendo Switch. Nice.').attributes['for']).toBe('the nintendo switch');
  });

  it('keeps stated fields, and fills in nothing unknown', () => {
    const stated = makeDocument({ title: 'a docking speaker for cars', type: 'radio', attributes: { for: 'boats' } });
    expect(typeDocument(stated, lexicon)).toEqual(stated);
    expect(typed('Nothing known')).toMatchObject({ type: '', attributes: { length: '1.8 m' } });
  });

  it('keeps numbers with their units readable', () => {
    expect(documentValues(typed('Cable')).flatMap(parseQuantities)).toMatchObject([{ value: 1800, unit: 'mm' }]);
  });

  it('fills in only words of the document, for any document', () => {
    const word = fc.constantFrom(
      'screen',
      'protector',
      'for',
      'the',
      'iPod/',
      'é',
      '12 W',
      ',',
      '(',
      'docking',
      'speaker',
    );
    const text = fc.array(word, { maxLength: 8 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, text, (title, more) => {
        const document = makeDocument({ title, text: more });
        const { type, attributes } = typeDocument(document, lexicon);
        for (const filled of [type, attributes['for'] ?? '']) {
          if (filled === '') continue;
          expect(
            evidenceOccurs(currentFolding(), { query: '', document }, { source: 'document', text: String(filled) }),
          ).toBe(true);
        }
      }),
    );
  });
});
