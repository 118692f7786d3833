import { describe, expect, it } from 'vitest';
import { greedyRefiner } from '../../../../src/relevance/piar/piar-greedy.ts';
import { runPiar } from '../../../../src/relevance/piar/piar.ts';
import { parseInstruction } from '../../../../src/relevance/rules/instruction.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';

const world = makeRuleWorld({ trainQueries: 300, devQueries: 120, testQueries: 120 });
const WORLD_DATA = {
  train: [...world.pairs('train')],
  dev: [...world.pairs('dev')],
  test: () => [...world.pairs('test')],
  lexicon: world.lexicon,
};
const START = startInstruction(4);

describe('runPiar', () => {
  it('finds rules of the rule world that hold on unseen queries, brands and types', async () => {
    const history = await runPiar(WORLD_DATA, START, greedyRefiner(), { rounds: 12 });
    expect(history.test.last.accuracy).toBeGreaterThan(history.test.first.accuracy + 0.25);
    expect(history.test.last.accuracy).toBeGreaterThan(0.75);
    expect(history.dev.accuracy).toBeGreaterThan(history.test.first.accuracy);
    const kinds = new Set(history.last.instruction.rules.map(({ when }) => when.kind));
    for (const kind of ['type', 'attribute', 'quantity'] as const) expect(kinds).toContain(kind);
    expect(parseInstruction(structuredClone(history.last.instruction))).toEqual(history.last.instruction);
    const devCurve = [...history.rounds.map(({ dev }) => dev.accuracy), history.dev.accuracy];
    expect(devCurve).toEqual(devCurve.toSorted((a, b) => a - b));
  });
});
