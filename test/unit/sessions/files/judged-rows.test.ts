/** The pairs of a file in the lists of their queries: read list by list, the same as all at once. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { openData } from '../../../../src/data/layouts/open-data.ts';
import { givenBlob } from '../../../../src/data/kinds/given-file.ts';
import { currentFolding, CURRENT_FOLDING } from '../../../../src/relevance/pair/text-folding.ts';
import { Bm25 } from '../../../../src/relevance/prompt/bm25.ts';
import { listed } from '../../../../src/relevance/prompt/listed.ts';
import type { VectorSource } from '../../../../src/relevance/prompt/meaning.ts';
import { JudgedRows } from '../../../../src/sessions/files/judged-rows.ts';

const WORDS = ['red', 'blue', 'kettle', 'mug', 'steel', 'lamp', 'oak', '12', 'usb', 'cable'];
const PROMPT = { standing: true, folding: CURRENT_FOLDING } as const;

/** Rows whose queries come in turn, so that each list is spread over the file; some queries are spelled in two ways. */
async function mixedRows(seed: number): Promise<JudgedRows> {
  const rng = new Rng(`lists ${seed}`);
  const some = (count: number): string => Array.from({ length: count }, () => rng.pick(WORDS)).join(' ');
  const queries = Array.from({ length: 7 }, () => some(2));
  const lines = Array.from({ length: 60 }, (_, i) => {
    const query = queries[rng.int(queries.length)] ?? '';
    return `${rng.chance(0.3) ? query.toUpperCase() : query}\td${rng.int(40)}x${i % 3}\t${some(3)}\t1`;
  });
  const text = ['query\tdocId\ttitle\tgrade', ...lines, ''].join('\n');
  return JudgedRows.read(await openData([givenBlob('mixed.tsv', new Blob([text]))], {}), { columns: {}, grades: '' });
}

/** Vectors by the number of letters, and a count of the texts that were read. */
function countedSource(): { readonly source: VectorSource; readonly texts: string[] } {
  const texts: string[] = [];
  const vectorOf = (text: string): Float32Array => {
    texts.push(text);
    const angle = text.length / 40;
    return Float32Array.of(Math.cos(angle), Math.sin(angle));
  };
  return { source: { vectorOf }, texts };
}

describe('the lists of a file', () => {
  it.each([1, 2, 3])('are the same whether read one by one in any order or all at once (seed %i)', async (seed) => {
    const rows = await mixedRows(seed);
    const { source } = countedSource();
    const reader = { prompt: PROMPT, vectors: { source, file: new Uint8Array() } };
    const pairs = rows.rows.map(({ pair }) => pair);
    const index = Bm25.of(pairs.map(({ document }) => document), currentFolding()); // prettier-ignore
    const wanted = listed(pairs, index, { source });
    for (const place of new Rng(`order ${seed}`).shuffle([...pairs.keys()])) {
      expect(rows.seenAt(place, reader)).toEqual({ ...rows.rows[place], pair: wanted[place] });
    }
    expect((await mixedRows(seed)).seenBy(reader).map(({ pair }) => pair)).toEqual(wanted);
    expect(rows.placed(CURRENT_FOLDING).map(({ pair }) => pair)).toEqual(listed(pairs, index, undefined));
    expect(rows.seenAt(pairs.length, reader)).toBeUndefined();
  });

  it('read only the list of the pair that is asked for', async () => {
    const rows = await mixedRows(4);
    const { source, texts } = countedSource();
    const reader = { prompt: PROMPT, vectors: { source, file: new Uint8Array() } };
    const seen = rows.seenAt(0, reader);
    const query = (text: string | undefined): string | undefined => text?.toLowerCase();
    const titles = rows.rows
      .filter(({ pair }) => query(pair.query) === query(seen?.pair.query))
      .map(({ pair }) => pair.document.title);
    expect(titles.length).toBeLessThan(rows.rows.length);
    expect(new Set(texts.filter((text) => query(text) !== query(seen?.pair.query)))).toEqual(new Set(titles));
  });

  it('know all words, however many were counted while nothing waited', async () => {
    const [waited, asked] = [await mixedRows(5), await mixedRows(5)];
    const counting = waited.countWords(CURRENT_FOLDING);
    expect(waited.placed(CURRENT_FOLDING)).toEqual(asked.placed(CURRENT_FOLDING));
    await counting;
    expect(waited.placedAt(3, CURRENT_FOLDING)).toEqual(asked.placedAt(3, CURRENT_FOLDING));
  });
});
