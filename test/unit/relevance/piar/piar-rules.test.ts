import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { executeFacts } from '../../../../src/relevance/rules/execute.ts';
import { FiringTable, NO_LABEL, predict } from '../../../../src/relevance/rules/firing-table.ts';
import { applyEdits, describeEdit, type Edit } from '../../../../src/relevance/rules/instruction-edits.ts';
import { type Instruction, parseInstruction } from '../../../../src/relevance/rules/instruction.ts';
import { countRight, groupErrors, measureInstruction } from '../../../../src/relevance/piar/piar-measure.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { parseTrace, printTrace } from '../../../../src/relevance/trace/trace.ts';
import { synthesiseTrace, synthesiseTraces } from '../../../../src/relevance/rules/trace-synthesis.ts';
import { PairChecker } from '../../../../src/relevance/rules/verify.ts';
import { anyInstruction, anyJudgedPair, anyRule, SOME_LEXICON } from '../rules/some-instructions.ts';

const instructionAndPairs = anyInstruction.chain((instruction) =>
  fc.record({
    instruction: fc.constant(instruction),
    pairs: fc.array(anyJudgedPair(instruction.scaleSize), { minLength: 1, maxLength: 8 }),
  }),
);

function anyEdit({ rules, scaleSize }: Instruction): fc.Arbitrary<Edit> {
  const id = fc.constantFrom(...rules.map((rule) => rule.id));
  const rule = anyRule(scaleSize).map((made) => ({ ...made, id: 'added' }));
  return fc.oneof(
    fc.record({ kind: fc.constant('add'), rule, before: id }, { requiredKeys: ['kind', 'rule'] }),
    fc.record({ kind: fc.constant('remove'), id }),
    fc.record({ kind: fc.constant('move'), id, before: id }, { requiredKeys: ['kind', 'id'] }),
    fc.record({
      kind: fc.constant('change'),
      id,
      to: fc.record(
        { cap: rule.map(({ cap }) => cap), when: rule.map(({ when }) => when), text: rule.map(({ text }) => text) },
        { requiredKeys: [] },
      ),
    }),
  ) as fc.Arbitrary<Edit>;
}

describe('the firing table', () => {
  it('predicts the label of the executor for each pair', () => {
    fc.assert(
      fc.property(instructionAndPairs, ({ instruction, pairs }) => {
        const table = new FiringTable(SOME_LEXICON, pairs);
        const executed = table.facts.map((facts) => executeFacts(instruction, facts).label ?? NO_LABEL);
        expect([...predict(instruction, table)]).toEqual(executed);
      }),
      { numRuns: 300 },
    );
  });

  it('has counts that add up, and groups every error once', () => {
    fc.assert(
      fc.property(instructionAndPairs, ({ instruction, pairs }) => {
        const table = new FiringTable(SOME_LEXICON, pairs);
        const measure = measureInstruction(instruction, table);
        const all = [...measure.confusion.flat(), ...measure.uncovered].reduce((a, b) => a + b, 0);
        expect(all).toBe(pairs.length);
        const right = measure.confusion.reduce((sum, row, label) => sum + (row[label] ?? 0), 0);
        expect(measure.accuracy).toBeCloseTo(right / pairs.length, 12);
        expect(countRight(instruction, table)).toBe(right);
        const members = groupErrors(instruction, table).flatMap((group) => group.members);
        expect(members.toSorted((a, b) => a - b)).toEqual(
          [...pairs.keys()].filter((i) => predict(instruction, table)[i] !== pairs[i]?.label),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('edits', () => {
  it('give a valid instruction or an error', () => {
    let applied = 0;
    const cases = anyInstruction.chain((instruction) =>
      fc.record({ instruction: fc.constant(instruction), edits: fc.array(anyEdit(instruction), { maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(cases, ({ instruction, edits }) => {
        const before = structuredClone(instruction);
        let edited;
        try {
          edited = applyEdits(instruction, edits);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-instruction' });
        }
        if (edited !== undefined) {
          expect(parseInstruction(structuredClone(edited))).toEqual(edited);
          applied += Number(edits.length > 0);
        }
        expect(instruction).toEqual(before);
        for (const edit of edits) expect(describeEdit(edit)).toContain(edit.kind);
      }),
      { numRuns: 500 },
    );
    expect(applied).toBeGreaterThan(0);
  });

  it('add, remove, move and change rules at the given position', () => {
    const start = startInstruction(4);
    const ids = (edit: Edit): string[] => applyEdits(start, [edit]).rules.map(({ id }) => id);
    const rule = { ...start.rules[0], id: 'new' } as Instruction['rules'][number];
    expect(ids({ kind: 'add', rule, before: 'otherwise' })).toEqual([
      'all-in-title', 'all-somewhere', 'half-somewhere', 'new', 'otherwise',
    ]); // prettier-ignore
    expect(ids({ kind: 'remove', id: 'all-somewhere' })).toEqual(['all-in-title', 'half-somewhere', 'otherwise']);
    expect(ids({ kind: 'move', id: 'otherwise', before: 'all-in-title' })[0]).toBe('otherwise');
    expect(ids({ kind: 'move', id: 'all-in-title' }).at(-1)).toBe('all-in-title');
    const changed = applyEdits(start, [{ kind: 'change', id: 'otherwise', to: { cap: 1 } }]);
    expect(changed.rules.at(-1)).toEqual({ ...start.rules.at(-1), cap: 1 });
    expect(() => applyEdits(start, [{ kind: 'remove', id: 'nobody' }])).toThrow(/"nobody", which does not exist/u);
    expect(() => applyEdits(start, [{ kind: 'change', id: 'otherwise', to: { cap: 4 } }])).toThrow(
      /outside the scale/u,
    );
  });
});

describe('synthesised traces', () => {
  it('state the gold label, verify step by step and round-trip through printer and parser', () => {
    let traced = 0;
    fc.assert(
      fc.property(instructionAndPairs, ({ instruction, pairs }) => {
        for (const pair of pairs) {
          const synthesis = synthesiseTrace(instruction, SOME_LEXICON, pair);
          if (!synthesis.ok) continue;
          traced += 1;
          const { trace } = synthesis;
          expect(trace.label).toBe(pair.label);
          expect(trace.steps.length).toBeGreaterThan(0);
          for (const step of trace.steps) {
            expect(
              new PairChecker({ instruction, lexicon: SOME_LEXICON, readsTitles: false }, pair).checkStep(step).status,
            ).toBe('verified');
          }
          expect(parseTrace(printTrace(trace), trace.scaleSize)).toMatchObject({ ok: true, trace });
        }
      }),
      { numRuns: 500 },
    );
    expect(traced).toBeGreaterThan(40); // else nearly nothing was tested
  });

  it('always verify if the label is right, so that only contradictions are lost', () => {
    fc.assert(
      fc.property(instructionAndPairs, ({ instruction, pairs }) => {
        const { traced, counts } = synthesiseTraces(instruction, SOME_LEXICON, pairs);
        expect(counts.unverified).toBe(0);
        expect(counts.pairs).toBe(pairs.length);
        expect(counts.traced).toBe(traced.length);
        expect(counts.traced + counts.contradicting + counts.uncovered).toBe(pairs.length);
        expect(counts.contradictions.flat().reduce((a, b) => a + b, 0)).toBe(counts.contradicting);
        const measure = measureInstruction(instruction, new FiringTable(SOME_LEXICON, pairs));
        expect(traced.length / pairs.length).toBeCloseTo(measure.accuracy, 12);
      }),
      { numRuns: 300 },
    );
  });
});
