/** The grammar of grade meanings: valid text is read as written, and invalid text is rejected. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { GradeMeanings, gradeMeaningsSchema, quoteGrade } from '../../../src/protocol/grade-meanings.ts';

const labelsOf = (text: string, grades: readonly string[]): unknown[] =>
  grades.map((grade) => new GradeMeanings(text).labelOf(grade));

describe('meanings of grades', () => {
  it.each<[text: string, grades: readonly string[], labels: readonly unknown[]]>([
    ['Y=1,N=0', ['Y', ' n ', '1', ''], [1, 0, undefined, undefined]],
    ['true=1, false = 0', ['True', 'FALSE'], [1, 0]],
    ['Not Relevant=0,Relevant=1', ['not\u00a0relevant', 'Relevant'], [0, 1]],
    ['>=2.5=1,<2.5=0', ['2.67', '2,5', '1', '-3', 'x'], [1, 1, 0, 0, undefined]],
    ['>=8=3,>=5=2,>=2=1,*=0', ['10', '8', '7', '2', '1', 'none'], [3, 3, 2, 1, 0, 0]],
    ['*=0,E=3', ['E', 'S'], [3, 0]],
    ['-1=none,-2=NONE', ['-1', '-2.0', '1'], [null, null, undefined]],
    ['3,0=3,0,0=0', ['3,0', '3', '0.0'], [3, 3, 0]],
    ['1=0,5=4', ['1', '5.00', '01'], [0, 4, 0]],
    ['"*"=2,">=1"=3,"a ""b"", c=d"=1', ['*', '>=1', 'a "b", C=D', '1'], [2, 3, 1, undefined]],
  ])('of %j', (text, grades, labels) => {
    expect(labelsOf(text, grades)).toEqual(labels);
  });

  it.each([
    '',
    'Y',
    'Y=',
    '=1',
    'Y=yes',
    'Y=6',
    'Y=-1',
    'Y=1,N',
    '>=x=1',
    'Y=1;N=0',
    '"Y=1',
    'Y=1,y=0',
    'Y=x,N=0',
    'Y,N=0',
    'a=b=1',
    ' =1',
    '""=1',
  ])('rejects %j', (text) => {
    expect(() => new GradeMeanings(text)).toThrow(expect.objectContaining({ code: 'bad-config' }));
    if (text !== '') expect(v.safeParse(gradeMeaningsSchema, text).success).toBe(false);
  });

  it('are the same for any text that is quoted', () => {
    const grade = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => text.normalize('NFKC').trim() !== '');
    fc.assert(
      fc.property(
        fc.uniqueArray(grade, { selector: (text) => text.normalize('NFKC').toLowerCase(), maxLength: 4 }),
        (grades) => {
          const distinct = [...new Map(grades.map((text) => [foldedNumber(text), text])).values()];
          const text = distinct.map((one, label) => `${quoteGrade(one)}=${label}`).join(',');
          if (text !== '') expect(labelsOf(text, distinct)).toEqual(distinct.map((_, label) => label));
        },
      ),
    );
  });
});

/** Equivalent spellings of a grade, such as "1" and "1.0", have one key. */
function foldedNumber(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
  const number = Number(folded.replace(',', '.'));
  return folded === '' || Number.isNaN(number) ? folded : String(number);
}
