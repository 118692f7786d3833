import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitByQuery } from '../../../../src/data/splits.ts';
import { greedyRefiner } from '../../../../src/relevance/piar/piar-greedy.ts';
import { type PiarData, type Proposal, type Refiner, runPiar } from '../../../../src/relevance/piar/piar.ts';
import type { JudgedPair } from '../../../../src/relevance/pair/pair.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { anyJudgedPair, SOME_LEXICON } from '../rules/some-instructions.ts';

const world = makeRuleWorld({ trainQueries: 300, devQueries: 120, testQueries: 120 });
const WORLD_DATA: PiarData = {
  train: [...world.pairs('train')],
  dev: [...world.pairs('dev')],
  test: () => [...world.pairs('test')],
  lexicon: world.lexicon,
};
const START = startInstruction(4);

function fixed(...answers: readonly (readonly Proposal[])[]): Refiner {
  return { name: 'fixed', propose: ({ round }) => Promise.resolve({ proposals: answers[round] ?? [] }) };
}

const lowered = (cap: number): Proposal => ({
  rationale: '',
  edits: [{ kind: 'change', id: 'all-in-title', to: { cap } }],
});

describe('runPiar', () => {
  it('gives equal histories for equal data and start', async () => {
    const small = { ...WORLD_DATA, train: WORLD_DATA.train.slice(0, 300), dev: WORLD_DATA.dev.slice(0, 120) };
    const run = (): Promise<unknown> => runPiar(small, START, greedyRefiner(), { rounds: 4 });
    expect(await run()).toEqual(await run());
  });

  it('reads the test part once, after the last round', async () => {
    const calls: string[] = [];
    const data: PiarData = { ...WORLD_DATA, test: () => (calls.push('test'), WORLD_DATA.test()) };
    const refiner: Refiner = {
      name: 'spy',
      propose: ({ train }) => {
        calls.push('propose');
        expect(train.pairs).toBe(data.train);
        return Promise.resolve({ proposals: [lowered(0)] });
      },
    };
    await runPiar(data, START, refiner, { rounds: 3, patience: 9 });
    expect(calls).toEqual(['propose', 'propose', 'propose', 'test']);
  });

  it('keeps only edits that help on train and on dev, and gives reasons for the others', async () => {
    const label = (pairs: readonly JudgedPair[], to: number): JudgedPair[] => pairs.map((p) => ({ ...p, label: to }));
    const alwaysZero: Proposal = { rationale: '', edits: [{ kind: 'move', id: 'otherwise', before: 'all-in-title' }] };
    const data = (train: number, dev: number): PiarData => ({
      ...WORLD_DATA,
      train: label(WORLD_DATA.train, train),
      dev: label(WORLD_DATA.dev, dev),
    });
    const outcome = async (train: number, dev: number): Promise<{ accepted: boolean; reason: string } | undefined> =>
      (await runPiar(data(train, dev), START, fixed([alwaysZero]), { rounds: 1 })).rounds[0]?.proposals[0];
    expect(await outcome(0, 0)).toMatchObject({ accepted: true });
    expect(await outcome(0, 3)).toMatchObject({
      accepted: false,
      reason: expect.stringMatching(/^dev does not/u) as string,
    });
    expect(await outcome(3, 0)).toMatchObject({
      accepted: false,
      reason: expect.stringMatching(/^train does not/u) as string,
    });
  });

  it('rejects invalid edits and continues', async () => {
    const bad: Proposal[] = [lowered(5), { rationale: '', edits: [{ kind: 'remove', id: 'nobody' }] }];
    const history = await runPiar(WORLD_DATA, START, fixed(bad), { rounds: 1 });
    expect(history.rounds[0]?.proposals.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^not valid: .*outside the scale/u),
      expect.stringMatching(/^not valid: .*"nobody"/u),
    ]);
    expect(history.last).toEqual(history.first);
  });

  it('stops when no edit helps, and on request', async () => {
    const history = await runPiar(WORLD_DATA, START, fixed(), { rounds: 9, patience: 2 });
    expect(history).toMatchObject({ stopped: 'no more improvement', rounds: { length: 2 } });
    const signal = AbortSignal.abort();
    await expect(runPiar(WORLD_DATA, START, fixed(), { signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('rejects parts that share a query or are empty', async () => {
    const { train } = WORLD_DATA;
    const shouted = train.slice(0, 3).map((pair) => ({ ...pair, query: ` ${pair.query.toUpperCase()} ` }));
    const run = (data: Partial<PiarData>): Promise<unknown> =>
      runPiar({ ...WORLD_DATA, ...data }, START, fixed(), { rounds: 1 });
    await expect(run({ dev: shouted })).rejects.toThrow(/in the train part and in the dev part/u);
    await expect(run({ test: () => shouted })).rejects.toThrow(/in the train part and in the test part/u);
    await expect(run({ dev: [] })).rejects.toThrow(/dev part has no pairs/u);
  });

  it('runs on any scale and any split by query', async () => {
    const cases = fc.integer({ min: 2, max: 6 }).chain((scaleSize) =>
      fc.record({
        scaleSize: fc.constant(scaleSize),
        pairs: fc.array(anyJudgedPair(scaleSize), { minLength: 12, maxLength: 40 }),
        seed: fc.nat(9),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ scaleSize, pairs, seed }) => {
        fc.pre(new Set(pairs.map(({ query }) => query)).size >= 3);
        const split = splitByQuery(pairs, seed, { train: 0.6, dev: 0.2, test: 0.2 });
        const queries = [split.train, split.dev, split.test].map((part) => new Set(part.map(({ query }) => query)));
        expect(queries.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(pairs.map(({ query }) => query)).size);
        const data = { train: split.train, dev: split.dev, test: () => split.test, lexicon: SOME_LEXICON };
        const history = await runPiar(data, startInstruction(scaleSize), greedyRefiner({ leastQueries: 1 }), {
          rounds: 3,
        });
        expect(history.train.accuracy).toBeGreaterThanOrEqual(history.rounds[0]?.train.accuracy ?? 1);
        expect(history.dev.accuracy).toBeGreaterThanOrEqual(history.rounds[0]?.dev.accuracy ?? 1);
      }),
      { numRuns: 40 },
    );
  });
});
