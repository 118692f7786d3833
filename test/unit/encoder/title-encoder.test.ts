/** An encoder that compares titles: on the scale of other vectors, each text read once, and none for what it lacks. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaleOf } from '../../../src/encoder/similarity-scale.ts';
import { TitleEncoder } from '../../../src/encoder/title-encoder.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { withMeaning, withOwnMeaning } from '../../../src/relevance/prompt/meaning.ts';
import { KeptVectors } from '../../../src/vectors/kept-vectors.ts';

/** A plane: texts turn by their number of letters. */
const turned = (text: string, by: number): Float32Array => {
  const angle = (text.replaceAll(/\P{L}/gu, '').length * Math.PI) / by;
  return Float32Array.of(Math.cos(angle), Math.sin(angle));
};
const STATIC = { vectorOf: (text: string) => turned(text, 40) };
/** Turns twice as far, and notes what it reads. */
class Encoder {
  readonly read: string[] = [];
  encode(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (signal?.aborted === true) return Promise.reject(new Error('aborted'));
    this.read.push(...texts);
    return Promise.resolve(texts.map((text) => turned(text, 20)));
  }
}
const pairOf = (query: string, title: string, text = '') => {
  return { query, queryId: query, document: makeDocument({ title, text }) };
};
const open = (encoder: Encoder): TitleEncoder =>
  new TitleEncoder(encoder, STATIC, new KeptVectors('e', 2), (value) => value);

describe('an encoder of titles', () => {
  it('compares titles, and leaves passages to the other vectors', async () => {
    const source = open(new Encoder());
    const pair = pairOf('abc', 'abcde', 'abcd. abc!');
    await source.read([pair]);
    const { meaning } = withOwnMeaning(pair, source);
    expect(meaning.title).toBeCloseTo(Math.cos((2 * Math.PI) / 20), 3);
    expect(meaning.passage).toBe(withOwnMeaning(pair, STATIC).meaning.passage);
  });

  it('takes gaps from what it has read, and leaves a pair that it has not read to the other vectors', async () => {
    const source = open(new Encoder());
    const pairs = [pairOf('abc', 'abc'), pairOf('abc', 'abcdef')];
    expect(withMeaning(pairs, source)).toEqual(withMeaning(pairs, STATIC));
    await source.read(pairs);
    expect(withMeaning(pairs, source).map(({ meaning }) => meaning.gap)).toEqual([
      0,
      expect.closeTo(1 - Math.cos((3 * Math.PI) / 20), 3),
    ]);
  });

  it('reads each text once, and the text of a document without a title', async () => {
    const encoder = new Encoder();
    const source = open(encoder);
    const pairs = [pairOf('q', 'one', 'never read'), pairOf('q', 'one'), pairOf('q', '', 'in place of a title')];
    expect(await source.read(pairs)).toBe(3);
    expect(await source.read([...pairs, pairOf('q', 'two')])).toBe(1);
    expect(encoder.read).toEqual(['q', 'one', 'in place of a title', 'two']);
  });

  it('says how far it is, and stops when told to', async () => {
    const many = Array.from({ length: 1200 }, (_, i) => pairOf('q', `title ${i}`));
    const seen: [number, number][] = [];
    await open(new Encoder()).read(many, { onProgress: (read, all) => void seen.push([read, all]) });
    expect(seen.map(([, all]) => all)).toEqual(seen.map(() => 1201));
    expect(seen.at(-1)?.[0]).toBe(1201);
    expect(seen.length).toBeGreaterThan(1);
    await expect(open(new Encoder()).read(many, { signal: AbortSignal.abort() })).rejects.toThrow(/stopped|abort/iu);
  });
});

describe('the scale of an encoder', () => {
  /** All cosines raised to `least + (1 - least) * cosine`. */
  const raised = (least: number) => ({
    encode: (texts: readonly string[]) =>
      Promise.resolve(
        texts.map((text) =>
          Float32Array.of(Math.sqrt(least), ...STATIC.vectorOf(text).map((x) => x * Math.sqrt(1 - least))),
        ),
      ),
  });

  it('undoes what an encoder gives to all texts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        fc.double({ min: -1, max: 1, noNaN: true }),
        async (least, cosine) => {
          const onScale = await scaleOf(raised(least), STATIC);
          expect(onScale(least + (1 - least) * cosine)).toBeCloseTo(cosine, 4);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps equal texts equal, and refuses an encoder that tells none apart', async () => {
    expect((await scaleOf(raised(0.7), STATIC))(1)).toBeCloseTo(1, 6);
    const blind = { encode: (texts: readonly string[]) => Promise.resolve(texts.map(() => Float32Array.of(1, 0))) };
    await expect(scaleOf(blind, STATIC)).rejects.toThrow('tells no texts apart');
  });
});
