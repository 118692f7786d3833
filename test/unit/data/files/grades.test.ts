import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeGrades, foundScale, GradeReader, gradeText } from '../../../../src/data/files/grades.ts';
import { BINARY_SCALE, DEFAULT_SCALE, makeScale, scaleOfSize } from '../../../../src/relevance/pair/labels.ts';

describe('GradeReader', () => {
  const read = (reader: GradeReader, grades: readonly string[]): (number | undefined)[] =>
    grades.map((grade) => reader.read(grade));

  it('reads numbers of the scale only', () => {
    const reader = new GradeReader(DEFAULT_SCALE);
    expect(read(reader, ['0', ' 3 ', '2.0', '1.', '00'])).toEqual([0, 3, 2, 1, 0]);
    for (const grade of ['4', '-1', '1.5', '', 'x', '1e0', '0x1']) expect(reader.read(grade)).toBeUndefined();
    expect(read(new GradeReader(BINARY_SCALE), ['0', '1', '2'])).toEqual([0, 1, undefined]);
  });

  it('reads names of labels, and ESCI on scales of four', () => {
    const reader = new GradeReader(DEFAULT_SCALE);
    expect(read(reader, ['Irrelevant', 'PARTIAL', 'substantial', 'exact'])).toEqual([0, 1, 2, 3]);
    expect(read(reader, ['E', 's', 'C', 'I', 'Substitute', 'complement'])).toEqual([3, 2, 1, 0, 2, 1]);
    expect(read(new GradeReader(BINARY_SCALE), ['E', 'relevant'])).toEqual([undefined, 1]);
    // A scale that uses a word of ESCI for another label keeps its own meaning.
    expect(new GradeReader(makeScale(['exact', 'b', 'c', 'd'])).read('Exact')).toBe(0);
  });

  it('reads only the meanings given by the user', () => {
    const reader = new GradeReader(DEFAULT_SCALE, 'Yes=3,1=0,no=5');
    expect(read(reader, ['yes', '1', '3', 'exact', 'no'])).toEqual([3, 0, undefined, undefined, undefined]);
    expect(reader.expected).toContain('Yes=3,1=0');
  });

  it('reads other grades as usual if some are declared as none', () => {
    const reader = new GradeReader(DEFAULT_SCALE, '-1=none,0=none');
    expect(read(reader, ['-1', '0', '3', 'exact'])).toEqual([undefined, undefined, 3, 3]);
    expect(reader.isNone('-1.0')).toBe(true);
    expect(reader.isNone('3')).toBe(false);
  });

  it('reads a decimal comma, but not what may be thousands', () => {
    expect(read(new GradeReader(DEFAULT_SCALE), ['3,0', '2,00', '1,000', '2,5'])).toEqual([3, 2, undefined, undefined]);
  });
});

describe('gradeText', () => {
  it.each<[value: unknown, text: string | undefined]>([
    [null, ''],
    [undefined, ''],
    [2, '2'],
    [true, 'true'],
    [' E ', 'E'],
    ['{"choices": ["Exact"]}', 'Exact'],
    [{ choices: ['Exact'] }, 'Exact'],
    ['{"choices": ["Exact", "Partial"]}', '{"choices": ["Exact", "Partial"]}'],
    ['{broken', '{broken'],
    [{ choices: [] }, undefined],
    [[1], undefined],
  ])('of %j is %j', (value, text) => {
    expect(gradeText(value)).toBe(text);
  });
});

describe('foundScale', () => {
  it.each<[grades: readonly string[], meanings: string, size: number | undefined, named: string]>([
    [['1', '0', '0.0', ''], '', 2, '0/0.0/1'],
    [['0', '1', '-1'], '', 2, '0/1'],
    [['0', '1', 'unclear'], '', 2, '0/1'],
    [['E', 'S', 'C', 'I'], '', 4, 'I/C/S/E'],
    [['1', '5', '3'], '', 6, '1/3/5'],
    [['0', '3', '10'], '', undefined, '0/3/10'],
    [['1', '2.33', '2.67'], '', undefined, '1/2.33/2.67'],
    [[...Array<string>(20).fill('0'), '3', '9'], '', 4, '0/3'],
    [['0', '3', '10'], '>=5=1,<5=0', 2, '0/3/10'],
    [['Y', 'N', '?'], 'Y=3,N=0', 4, 'N/Y'],
    [['good', 'bad'], '', undefined, 'good/bad'],
    [[], '', undefined, ''],
  ])('of %j with %j is %j', (grades, meanings, size, named) => {
    const found = foundScale(grades, meanings);
    expect(found.size).toBe(size);
    expect(describeGrades(found)).toBe(named);
  });

  it('lists exactly the grades that have a label', () => {
    const grade = fc.constantFrom('0', '1', '2', '3', '5', '7', '-1', '2.5', 'E', 'relevant', 'x', '1,0');
    let scales = 0;
    fc.assert(
      fc.property(fc.array(grade), (grades) => {
        const { size, grades: read, unread } = foundScale(grades);
        if (size === undefined) return;
        scales += 1;
        const reader = new GradeReader(scaleOfSize(size));
        expect(read.every((one) => reader.read(one) !== undefined)).toBe(true);
        expect(unread.every((one) => reader.read(one) === undefined)).toBe(true);
        expect(new Set([...read, ...unread])).toEqual(new Set(grades));
      }),
    );
    expect(scales).toBeGreaterThan(0);
  });
});
