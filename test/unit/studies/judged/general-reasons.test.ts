/**
 * Reasons of the general model: rules for files of any kind, quotations that show what a rule claims, and pooled
 * counts.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  GENERAL_SCALE,
  GENERAL_SETS,
  type GeneralPart,
  generalParts,
} from '../../../../src/studies/judged/general-recipe.ts';
import { refineGeneral } from '../../../../src/studies/judged/general-rules.ts';
import { isApt } from '../../../../src/studies/judged/apt-quotation.ts';
import { pooledReasons, type Reasons, reasonsTable } from '../../../../src/studies/judged/general-reasons.ts';
import { parseInstruction } from '../../../../src/relevance/rules/instruction.ts';
import { noRules, type Rules } from '../../../../src/relevance/rules/rules.ts';
import { execute } from '../../../../src/relevance/rules/execute.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { dataSetOf, pairsTsv } from '../../runs/own-pairs.ts';

const [, msrd] = GENERAL_SETS;
if (msrd === undefined) throw new Error('no sets');
const binary = (tsv: string): string => tsv.replaceAll(/\t2$/gmu, '\t1');

describe('refineGeneral', () => {
  let parts: GeneralPart[];
  let rules: Rules;
  beforeAll(async () => {
    const [one] = await generalParts(msrd, await dataSetOf(binary(pairsTsv(30)), 'a.tsv'));
    const [two] = await generalParts({ ...msrd, id: 'other' }, await dataSetOf(binary(pairsTsv(26)), 'b.tsv'));
    if (one === undefined || two === undefined) throw new Error('no parts');
    // A query to hold out in one set is learned from in the other.
    parts = [one, { ...two, dev: [...two.dev, ...one.train.slice(0, 4)] }];
    rules = await refineGeneral(parts, GENERAL_SCALE, new AbortController().signal);
  });

  it('names no word of the data, and keeps only rules that decide something', () => {
    const { instruction, lexicon } = rules;
    expect(instruction.scaleSize).toBe(GENERAL_SCALE);
    expect(instruction.rules.length).toBeGreaterThan(0);
    for (const { when } of instruction.rules) {
      expect(['overlap', 'phrase', 'query-length', 'quantity']).toContain(when.kind);
      expect(when).not.toHaveProperty('of');
    }
    const deciding = parts.flatMap(({ train }) =>
      train.flatMap((pair) => execute(instruction, lexicon, pair).findings.map(({ rule }) => rule)),
    );
    expect(new Set(deciding)).toEqual(new Set(instruction.rules.keys()));
  });
});

describe('isApt', () => {
  const { lexicon } = noRules(4, currentFolding());
  const overlap = (id: string, is: 'at-least' | 'below', share: number) => {
    return { id, criterion: 'overall', when: { kind: 'overlap', field: 'title', is, share }, cap: 3, text: id };
  };
  const instruction = parseInstruction({
    name: 'Two',
    version: 0,
    scaleSize: 4,
    rules: [overlap('all', 'at-least', 1), { ...overlap('not-all', 'below', 1), cap: 0 }],
  });
  const rules = { instruction, lexicon, readsTitles: false };
  const pair = {
    query: 'steel bread mugs',
    document: makeDocument({ title: 'Bread mug, blue', attributes: { handle: 'steel' } }),
  };
  const step = (rule: number, source: 'query' | 'document', text: string) => {
    const verdict = source === 'query' ? ('absent' as const) : ('match' as const);
    return { rule, criterion: 'overall' as const, evidence: [{ source, text }], verdict };
  };

  it('asks a missing word of a rule about missing words, and a common one of the others', () => {
    expect(isApt(rules, pair, step(1, 'query', 'steel'))).toBe(true);
    expect(isApt(rules, pair, step(1, 'query', 'bread'))).toBe(false);
    expect(isApt(rules, pair, step(0, 'document', 'mug'))).toBe(true);
    expect(isApt(rules, pair, step(0, 'document', 'bread mug'))).toBe(true);
    expect(isApt(rules, pair, step(0, 'document', 'blue'))).toBe(false);
  });

  it('finds nothing apt in a step without a quotation, or of no rule', () => {
    expect(isApt(rules, pair, { ...step(1, 'query', 'steel'), evidence: [] })).toBe(false);
    expect(isApt(rules, pair, step(7, 'query', 'steel'))).toBe(false);
  });
});

describe('pooledReasons', () => {
  it('adds counts of one way of asking, so that a fold with more steps weighs more', () => {
    const zero = { valid: 0, relevant: 0, relevantWithSteps: 0, agreeing: 0, apt: 0, tokens: 0, withSteps: 0 };
    const fold = (steps: number, verified: number): Reasons => [
      { asked: 'in its list', decoding: 'grounded', completions: 10, steps, verified, ...zero },
      { asked: 'by itself', decoding: 'grounded', completions: 10, steps: 1, verified: 0, ...zero },
    ];
    const pooled = pooledReasons([fold(30, 30), fold(10, 0)]);
    expect(pooled.map(({ steps, verified }) => [verified, steps])).toEqual([
      [30, 40],
      [0, 2],
    ]);
    const block = reasonsTable(pooled);
    expect(block.kind === 'table' ? block.rows[0] : []).toContain('0.750');
    expect(pooledReasons([])).toEqual([]);
  });
});
