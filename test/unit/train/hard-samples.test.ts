import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { disposeWeights, initialWeights } from '../../../src/model/weights.ts';
import type { JudgedPair } from '../../../src/relevance/pair/pair.ts';
import { parseTrace, printTrace, type ParsedTrace, type Trace } from '../../../src/relevance/trace/trace.ts';
import { type Attempt, attemptAll, judgeAttempt } from '../../../src/train/attempts.ts';
import { difficultyOf, hardNegatives, hardReasons, hardSamples, type Tried } from '../../../src/train/hard-samples.ts';
import { useBackend } from '../../reference/backends.ts';
import { at } from '../../reference/tensor64.ts';
import { loadModel, makeTask, TINY } from './grpo-runs.ts';

const task = makeTask();
const { pair, gold } = at(task.prompts, 0);

/** A completion that answers a label and cites the gold rules. */
function answering(label: number, { steps = gold.steps, restated = label }: Partial<Trace> = {}): ParsedTrace {
  return parseTrace(printTrace({ scaleSize: 4, label, steps, restated }), 4);
}

const BROKEN = parseTrace([], 4);

/** Attempts that answer these labels, with a pair whose gold label is `label`. */
function tried(label: number, answers: readonly (number | undefined)[], probabilities: readonly number[]): Tried {
  const judged: JudgedPair = { ...pair, label };
  const attempts = answers.map((answer) =>
    judgeAttempt({ pair: judged, gold: undefined }, answer === undefined ? BROKEN : answering(answer), task.folding),
  );
  return { pair: judged, attempts, probabilities };
}

/** No rule implies anything. */
const nothing = (): undefined => undefined;

describe('an attempt', () => {
  const judge = (parsed: ParsedTrace, known: Trace | undefined = gold): Attempt =>
    judgeAttempt({ pair, gold: known }, parsed, task.folding);

  it('passes by its label alone; a full reward also needs the reasons', () => {
    expect(judge(answering(gold.label))).toMatchObject({ isRight: true, isFull: true });
    expect(judge(answering(gold.label, { steps: [] }))).toMatchObject({ isRight: true, isFull: false });
    expect(judge(answering((gold.label + 1) % 4))).toMatchObject({ isRight: false, isFull: false });
    expect(judge(BROKEN)).toMatchObject({ isRight: false, isFull: false });
  });

  it('passes by its label even where the rest does not parse', () => {
    const cut = parseTrace(printTrace(gold).slice(0, 1), 4);
    expect(cut.ok).toBe(false);
    expect(judge(cut)).toMatchObject({ isRight: true, isFull: false });
  });

  it('has no full reward to reach where no gold trace is known', () => {
    expect(judgeAttempt({ pair, gold: undefined }, answering(gold.label), task.folding).isFull).toBeNull();
  });
});

describe('difficulty', () => {
  it('equals a count by hand', () => {
    // Gold 3: two of four right; answers 3 3 1 and none, so the commonest has two; margin 0.3 - 0.5.
    const each = tried(3, [3, 3, 1, undefined], [0.1, 0.5, 0.1, 0.3]);
    const { passRate, fullRate, margin, labelSpread, traceConflicts } = difficultyOf(each, nothing);
    expect([passRate, fullRate, labelSpread, traceConflicts]).toEqual([0.5, null, 0.5, null]);
    expect(margin).toBeCloseTo(-0.2, 12);
  });

  it('detects labels that the cited rules do not imply', () => {
    const each = tried(3, [3, 3, 1, undefined], [0, 0, 0, 1]);
    // All rules cap at 3: of the three that cite some, the one that answers 1 contradicts them.
    expect(difficultyOf(each, () => 3).traceConflicts).toBeCloseTo(1 / 3, 12);
    expect(difficultyOf({ ...each, attempts: [] }, () => 3).traceConflicts).toBeNull();
  });
});

describe('hard samples', () => {
  const cases: readonly (readonly [string, Tried, readonly string[]])[] = [
    ['sure and right', tried(2, [2, 2, 2, 2], [0, 0, 0.9, 0.1]), []],
    ['never right', tried(2, [1, 1, 1, 1], [0, 0.9, 0.05, 0.05]), ['all wrong', 'low margin']],
    ['undecided', tried(2, [2, 2, 2, 1], [0, 0.45, 0.5, 0.05]), ['low margin']],
    ['disagreeing', tried(2, [2, 2, 1, 3], [0, 0.2, 0.6, 0.2]), ['answers disagree']],
  ];

  it.each(cases)('have their reasons: %s', (_, each, reasons) => {
    expect(hardReasons(difficultyOf(each, nothing))).toEqual(reasons);
  });

  it('include those whose rules imply another label', () => {
    const each = tried(2, [2, 2, 2, 2], [0, 0, 0.9, 0.1]);
    expect(hardReasons(difficultyOf(each, () => 1))).toEqual(['label against trace']);
  });

  it('take the lowest label that a cited rule implies, as rules cap', () => {
    const [first, second] = gold.steps.length > 1 ? gold.steps : [...gold.steps, { ...at(gold.steps, 0), rule: 47 }];
    if (first === undefined || second === undefined) throw new Error('the gold trace has no steps');
    const attempts = [judgeAttempt({ pair, gold: undefined }, answering(1, { steps: [first, second] }), task.folding)];
    const conflicts = (one: number, other: number): number | null =>
      difficultyOf({ pair, attempts, probabilities: [0, 1, 0, 0] }, (rule) => (rule === first.rule ? one : other))
        .traceConflicts;
    expect([conflicts(1, 3), conflicts(3, 1), conflicts(0, 1), conflicts(2, 3)]).toEqual([0, 0, 1, 1]);
  });

  it('begin at their bounds, and a margin below it', () => {
    const easy = { passRate: 1, fullRate: null, margin: 1, labelSpread: 0, traceConflicts: null };
    const bounds = { margin: 0.25, spread: 0.5, conflicts: 0.5 };
    for (const [change, reasons] of [
      [{}, []],
      [{ margin: 0.25 }, []],
      [{ margin: 0.24 }, ['low margin']],
      [{ labelSpread: 0.49 }, []],
      [{ labelSpread: 0.5 }, ['answers disagree']],
      [{ traceConflicts: 0.49 }, []],
      [{ traceConflicts: 0.5 }, ['label against trace']],
    ] as const) {
      expect(hardReasons({ ...easy, ...change }, bounds)).toEqual(reasons);
    }
  });

  it('count attempts without an answer as differing from all others', () => {
    expect(difficultyOf(tried(3, [undefined, undefined, 3], [0, 0, 0, 1]), nothing).labelSpread).toBeCloseTo(2 / 3, 12);
    expect(difficultyOf(tried(3, [undefined, undefined], [0, 0, 0, 1]), nothing).labelSpread).toBe(1);
  });

  it('are ordered by margin where as many attempts pass', () => {
    const [wide, narrow, behind] = [[0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.28, 0.32], [0.3, 0.2, 0.3, 0.2]].map((each) => tried(3, [0, 1, 2], each)); // prettier-ignore
    if (wide === undefined || narrow === undefined || behind === undefined) throw new Error('three cases');
    const found = hardSamples([wide, behind, narrow], nothing).map(({ probabilities }) => probabilities);
    expect(found).toEqual([behind, narrow, wide].map(({ probabilities }) => probabilities));
  });

  it('are ordered hardest first, without pairs that are not hard', () => {
    const [, ...hard] = cases.map(([, each]) => each);
    const found = hardSamples(
      cases.map(([, each]) => each),
      nothing,
    );
    expect(found.map(({ probabilities }) => probabilities)).toEqual(
      [hard[0], hard[2], hard[1]].map((each) => each?.probabilities),
    );
  });

  it('are more numerous with lower thresholds, and always among the given pairs', () => {
    const anyTried = fc
      .record({
        label: fc.nat(3),
        answers: fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
        weights: fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 1, max: 9 }))),
      }) // prettier-ignore
      .map(({ label, answers, weights }) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        return tried(label, answers, weights.map((weight) => weight / total)); // prettier-ignore
      });
    fc.assert(
      fc.property(fc.array(anyTried, { maxLength: 6 }), fc.double({ min: 0, max: 1, noNaN: true }), (all, margin) => {
        const [few, many] = [margin / 2, margin].map((bar) =>
          hardSamples(all, nothing, { margin: bar, spread: 0.5, conflicts: 0.5 }).map((each) => each.attempts),
        );
        expect(many).toEqual(expect.arrayContaining(few ?? []));
        for (const attempts of many ?? []) expect(all.map((each) => each.attempts)).toContain(attempts);
      }),
      { numRuns: 50 },
    );
  });
});

describe('hard negatives', () => {
  const document = (queryId: string, docId: string, label: number): JudgedPair => {
    return { ...pair, queryId, label, document: { ...pair.document, docId } };
  };
  const pairs = [
    document('a', 'best', 3),
    document('a', 'good', 2),
    document('a', 'bad', 0),
    document('b', 'other', 0),
  ];

  it('score close to or above a better document of the same query', () => {
    const [first, ...rest] = hardNegatives(pairs, [0.9, 0.4, 0.6, 1], 0.05);
    expect(rest).toEqual([]);
    expect([first?.negative.document.docId, first?.positive.document.docId, first?.count]).toEqual(['bad', 'good', 1]);
    expect(first?.lead).toBeCloseTo(0.2, 12);
  });

  it('include documents slightly below, name the document they lead most, and are ordered by lead', () => {
    const found = hardNegatives(pairs, [0.5, 0.52, 0.48, 0], 0.05);
    // good leads best by 0.02; bad is 0.02 behind best and 0.04 behind good.
    expect(found.map(({ negative, positive }) => [negative.document.docId, positive.document.docId])).toEqual([
      ['good', 'best'],
      ['bad', 'best'],
    ]);
    expect(found.map(({ count }) => count)).toEqual([1, 2]);
    expect(hardNegatives(pairs, [0.9, 0.6, 0.1, 1], 0.05)).toEqual([]);
  });

  it('are ordered by lead, with the document that each leads most and the bound included', () => {
    const documents = [
      document('a', 'first', 3),
      document('a', 'second', 3),
      document('a', 'near', 0),
      document('a', 'far ahead', 0),
    ];
    const found = hardNegatives(documents, [0.75, 0.5, 0.25, 1], 0.25);
    expect(
      found.map(({ negative, positive, lead, count }) => [
        negative.document.docId,
        positive.document.docId,
        lead,
        count,
      ]),
    ).toEqual([
      ['far ahead', 'second', 0.5, 2],
      ['near', 'second', -0.25, 1],
    ]);
    const alike = hardNegatives(documents, [0.5, 0.5, 0.5, 0], 0.25);
    expect(alike.map(({ positive }) => positive.document.docId)).toEqual(['first']);
  });
});

describe('attemptAll', () => {
  beforeAll(() => useBackend('wasm'));

  it('gives the same attempts for the same seed, n for each task, and reports progress', async () => {
    const model = loadModel(initialWeights(TINY, new Rng(3)));
    const tasks = task.prompts
      .slice(0, 3)
      .map((each) => ({ prompt: each.example.prompt, pair: each.pair, gold: each.gold }));
    const progress: number[] = [];
    const draw = (seed: number) =>
      attemptAll(model, task.tokenizer, tasks, { samples: 4, scaleSize: 4, folding: task.folding, maxTokens: 3, seed, onProgress: (done) => progress.push(done) }); // prettier-ignore
    const first = await draw(1);
    expect(first.map((attempts) => attempts.length)).toEqual([4, 4, 4]);
    expect(progress.at(-1)).toBe(12);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
    const signal = AbortSignal.abort();
    await expect(
      attemptAll(model, task.tokenizer, tasks, { scaleSize: 4, folding: task.folding, signal }),
    ).rejects.toMatchObject({
      code: 'aborted',
    });
    disposeWeights(model.weights);
  });
});
