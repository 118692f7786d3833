/** What the scores of a file are compared with: each different pair once. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { ScoreTally } from '../../../../src/runs/score/score-tally.ts';

/** The counts of rows of one query id, each with its query, title and label. */
function countsOf(rows: readonly (readonly [string, string, number])[]) {
  const tally = new ScoreTally({ scale: DEFAULT_SCALE, card: { name: 'a model', data: {} } });
  for (const [row, [query, title, label]] of rows.entries()) {
    const pair = { query, queryId: '1', document: makeDocument({ docId: title, title }), label };
    tally.add({ row, pair }, { probabilities: [0.7, 0.1, 0.1, 0.1] }, false);
  }
  const counts = { file: 'f', skipped: 0, pairsPerSec: 1, judges: null };
  const { graded, repeated, conflicting } = tally.summary(DEFAULT_SCALE, counts);
  return { graded, repeated, conflicting };
}

describe('the tally of a file', () => {
  it('counts a pair once, whatever the case and width of its query', () => {
    expect(
      countsOf([
        ['red kettle', 'kettle', 3],
        ['Red  Kettle', 'kettle', 3],
        ['ｒｅｄ kettle', 'lid', 3],
        ['RED KETTLE', 'lid', 0],
        ['red kettle', 'hose', 0],
      ]),
    ).toEqual({ graded: 2, repeated: 1, conflicting: 1 });
  });

  it('tells queries under one id apart', () => {
    const rows = [
      ['kettle', 'lid', 3],
      ['lamp', 'lid', 0],
    ] as const;
    expect(countsOf(rows)).toEqual({ graded: 2, repeated: 0, conflicting: 0 });
  });
});
