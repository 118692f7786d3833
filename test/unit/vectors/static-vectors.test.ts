/** Static vectors: distilled from what an encoder says of single pieces, written, read, and compared. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { readSafetensors, writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { currentFolding } from '../../../src/relevance/pair/text-folding.ts';
import { choosePieces, makeVectors } from '../../../src/vectors/make-vectors.ts';
import { principalComponents } from '../../../src/vectors/principal-components.ts';
import { PieceTable, readVectors, StaticVectors, writeVectors } from '../../../src/vectors/static-vectors.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { at, dot } from '../../reference/tensor64.ts';

const PIECES = ['[PAD]', 'kettle', '##s', 'kett', 'mug', 'the', 'steel', '!', '中', '##文'];
const DOCUMENTS = ['the steel kettle', 'the mug', 'the kettles'];
const WIDTH = 32;

function vectors() {
  const chosen = choosePieces(PIECES, DOCUMENTS, currentFolding(), 20);
  const rng = new Rng(1);
  const alone = Float32Array.from({ length: chosen.pieces.length * 48 }, () => rng.normal());
  return makeVectors(chosen, alone, WIDTH, { origin: 'a test', license: 'CC0' });
}

function source(): StaticVectors {
  return new StaticVectors(readVectors(writeVectors(vectors())), currentFolding());
}

describe('the chosen pieces', () => {
  it('are parts of words, those of the documents first, in their own order, and weigh as much as they are rare', () => {
    const all = choosePieces(PIECES, DOCUMENTS, currentFolding(), 20);
    expect(all.pieces).toEqual(['kettle', '##s', 'kett', 'mug', 'the', 'steel', '中', '##文']);
    expect(choosePieces(PIECES, DOCUMENTS, currentFolding(), 5).pieces).toEqual([
      'kettle',
      '##s',
      'mug',
      'the',
      'steel',
    ]);
    const rarity = (piece: string): number => at(all.rarity, all.pieces.indexOf(piece));
    expect(rarity('kettle')).toBeCloseTo(Math.log(4 / 3), 12);
    expect(rarity('the')).toBeCloseTo(0, 12);
    expect(rarity('kett')).toBeCloseTo(Math.log(4), 12);
  });

  it('split words into the longest from the start, and leave out letters that begin none', () => {
    const table = new PieceTable(['kettle', '##s', 'kett', '##le']);
    expect(['kettles', 'kettxle', 'x', 'kett'].map((word) => table.split(word))).toEqual([[0, 1], [2, 3], [], [2]]);
  });
});

describe('principal components', () => {
  it('keep all distances if all are kept, and sort by variance without correlation', () => {
    const [N, C] = [40, 6];
    const rng = new Rng(2);
    const rows = Float32Array.from({ length: N * C }, (_, i) => rng.normal() * (1 + (i % C)) + 3);
    const found = principalComponents(rows, C, C);
    const rowOf = (of: Float32Array, n: number): Float32Array => of.subarray(n * C, (n + 1) * C);
    const distance = (of: Float32Array, a: number, b: number): number =>
      Math.hypot(...rowOf(of, a).map((x, c) => x - at(rowOf(of, b), c)));
    for (let n = 1; n < N; n++) expect(distance(found, 0, n)).toBeCloseTo(distance(rows, 0, n), 4);
    const column = (c: number): Float64Array => Float64Array.from({ length: N }, (_, n) => at(found, n * C + c));
    const variances = Array.from({ length: C }, (_, c) => dot(column(c), column(c)));
    expect(variances).toEqual(variances.toSorted((a, b) => b - a));
    expect(Math.abs(dot(column(0), column(1)))).toBeLessThan(1e-3 * at(variances, 0));
    expectClose(principalComponents(rows, C, 2), Array.from({ length: N }, (_, n) => [...rowOf(found, n).subarray(0, 2)]).flat(), { absolute: 1e-5 }); // prettier-ignore
  });
});

describe('static vectors', () => {
  it('are of length 1, the same for any case and order, and none for unknown words', () => {
    const known = source();
    const vector = known.vectorOf('Steel KETTLE') ?? new Float32Array();
    expect(dot(vector, vector)).toBeCloseTo(1, 5);
    expectClose(known.vectorOf('kettle steel') ?? [], vector, { absolute: 1e-6 });
    expect(known.vectorOf('')).toBeUndefined();
    expect(known.vectorOf('???')).toBeUndefined();
    expect(known.vectorOf('中文')).toBeDefined();
  });

  it('come back from their file as they were', () => {
    const before = vectors();
    const after = readVectors(writeVectors(before));
    expect(after).toMatchObject({ pieces: before.pieces, origin: 'a test', license: 'CC0' });
    expect([...after.matrix.values]).toEqual([...before.matrix.values]);
    expect([...after.matrix.scales]).toEqual([...before.matrix.scales]);
  });

  it('are refused if the file is damaged or of something else', () => {
    const bytes = writeVectors(vectors());
    expect(() => readVectors(writeSafetensors([]))).toThrow(/does not hold vectors/u);
    const { tensors, metadata } = readSafetensors(bytes);
    for (const name of tensors.keys()) {
      const rest = [...tensors.values()].filter((tensor) => tensor.name !== name);
      expect(() => readVectors(writeSafetensors(rest, metadata))).toThrow(/do not fit together/u);
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        expect(() => readVectors(bytes.subarray(0, length))).toThrow(/safetensors/u);
      }),
    );
  });
});
