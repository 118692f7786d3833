/**
 * The general model: parts without common queries, balanced examples of each set, other words in the place of those of
 * queries, results and a card.
 */
import type { Prediction } from '../../../../src/relevance/metrics/compared-systems.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DataSet } from '../../../../src/data/files/data-set.ts';
import { normaliseQuery } from '../../../../src/data/splits.ts';
import { describeGeneral, generalLab, withMeasures } from '../../../../src/studies/judged/general-card.ts';
import { alone } from '../../../../src/relevance/prompt/listed.ts';
import {
  GENERAL_SCALE,
  GENERAL_SETS,
  generalExperiment,
  type GeneralPart,
  generalParts,
  prepareGeneral,
  rereadBy,
} from '../../../../src/studies/judged/general-recipe.ts';
import {
  ENCODED_SYSTEMS,
  GENERAL_SYSTEMS,
  generalReport,
  setResults,
} from '../../../../src/studies/judged/general-results.ts';
import type { RealRecipe } from '../../../../src/studies/judged/real-data.ts';
import { reportMarkdown } from '../../../../src/studies/report.ts';
import { makeModelCard } from '../../../../src/runs/models/sft-card.ts';
import { LabFileSchema } from '../../../../src/infer/lab-model.ts';
import { makeFileLabFile } from '../../../../src/runs/models/lab-file.ts';
import { parseConfig } from '../../../../src/config/parse.ts';
import { CURRENT_FOLDING, currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { withMeaning } from '../../../../src/relevance/prompt/meaning.ts';
import { withStandingOf } from '../../../../src/runs/file-data.ts';
import { noRules, type Rules } from '../../../../src/relevance/rules/rules.ts';
import { parseInstruction } from '../../../../src/relevance/rules/instruction.ts';
import { labelToken, ruleToken, scaleToken } from '../../../../src/relevance/pair/vocabulary.ts';
import { dataSetOf, pairsTsv } from '../../runs/own-pairs.ts';

const [chorus, msrd] = GENERAL_SETS;
if (chorus === undefined || msrd === undefined) throw new Error('no sets');
const THREE: RealRecipe = { ...chorus, scaleSize: 3 };

/** The same pairs with grades 0 and 1 only. */
const binary = (tsv: string): string => tsv.replaceAll(/\t2$/gmu, '\t1');

async function bothParts(): Promise<GeneralPart[]> {
  const [first] = await generalParts(THREE, await dataSetOf(pairsTsv(20), 'a.tsv'));
  const [second] = await generalParts(msrd as RealRecipe, await dataSetOf(binary(pairsTsv(30)), 'b.tsv'));
  if (first === undefined || second === undefined) throw new Error('no parts');
  return [first, second];
}

describe('the parts of a set', () => {
  it('never share a query, in any spelling, and test each once', async () => {
    const spellings: readonly ((query: string) => string)[] = [
      (query) => query,
      (query) => query.toUpperCase(),
      (query) => `  ${query.replaceAll(' ', '   ')} `,
    ];
    const dataSet = await dataSetOf(pairsTsv(24));
    const anySpelling = fc.array(fc.nat(2), { minLength: dataSet.pairs.length, maxLength: dataSet.pairs.length });
    await fc.assert(
      fc.asyncProperty(anySpelling, async (chosen) => {
        const pairs = dataSet.pairs.map((pair, i) => {
          return { ...pair, query: spellings[chosen[i] ?? 0]?.(pair.query) ?? pair.query };
        });
        const spelled: DataSet = { ...dataSet, pairs };
        const folds = await generalParts(THREE, spelled);
        const queries = (part: GeneralPart['test']): Set<string> =>
          new Set(part.map(({ query }) => normaliseQuery(query)));
        for (const { train, dev, test } of folds) {
          const parts = [queries(train), queries(dev), queries(test)];
          expect(new Set(parts.flatMap((part) => [...part])).size).toBe(24);
          expect(parts.reduce((sum, part) => sum + part.size, 0)).toBe(24);
        }
        const tested = folds.flatMap(({ test }) => [...queries(test)]);
        expect(new Set(tested).size).toBe(24);
        expect(tested).toHaveLength(24);
      }),
      { numRuns: 8 },
    );
  });
});

describe('what a pair is shown with', () => {
  it('is that of its whole list in every fold, and what another source finds there', async () => {
    const dataSet = await dataSetOf(pairsTsv(24), 'pairs.tsv');
    const folds = await generalParts(THREE, dataSet);
    const all = folds.flatMap(({ test }) => test);
    const own = withStandingOf(dataSet, all, { standing: true, folding: CURRENT_FOLDING });
    expect(all).toEqual(own);
    const keyOf = ({ query, document }: GeneralPart['test'][number]): string => JSON.stringify([query, document]);
    const shown = new Map(all.map((pair) => [keyOf(pair), pair.standing]));
    for (const pair of folds.flatMap(({ train, dev }) => [...train, ...dev])) {
      expect(pair.standing).toBeDefined();
      expect(pair.standing).toEqual(shown.get(keyOf(pair)));
    }
    const source = { vectorOf: (text: string) => Float32Array.of(Math.cos(text.length), Math.sin(text.length)) };
    const some = all.slice(3, 9);
    expect(rereadBy(source, all)(some)).toEqual(withMeaning(some, source, all));
    expect(rereadBy(source, [])(some)).toEqual(some);
  });
});

/** A rule on missing words, so that some labels have reasons. */
const RULES: Rules = {
  ...noRules(GENERAL_SCALE, currentFolding()),
  instruction: parseInstruction({
    name: 'One',
    version: 0,
    scaleSize: GENERAL_SCALE,
    rules: [
      {
        id: 'missing',
        criterion: 'overall',
        when: { kind: 'overlap', field: 'title', is: 'below', share: 1 },
        cap: 0,
        text: 'A word is missing.',
      },
    ],
  }),
};

describe('prepareGeneral', () => {
  it('has the same number of examples of each set, of two labels also on four with reasons', async () => {
    const parts = await bothParts();
    const experiment = await generalExperiment('general', parts);
    const { examples, tokenizer, dev } = prepareGeneral(experiment, parts, RULES);
    expect(examples).toHaveLength(16_000);
    const scaleOf = (ids: Int32Array): number =>
      [2, 3, 4].find((size) => ids[0] === tokenizer.idOf(scaleToken(size))) ?? 0;
    const counts = new Map<number, number>();
    for (const { prompt, completion } of examples) {
      const size = scaleOf(prompt);
      counts.set(size, (counts.get(size) ?? 0) + 1);
      const labels = Array.from({ length: size }, (_, label) => tokenizer.idOf(labelToken(size, label)));
      expect(labels).toContain(completion[0]);
      // Reasons are for labels of four only, and there are none for hints that no pair has.
      if (completion.length > 1 && completion[1] !== completion[0]) {
        expect([size, completion[1]]).toEqual([4, tokenizer.idOf(ruleToken(0))]);
      }
    }
    expect(examples.some(({ completion }) => completion[1] === tokenizer.idOf(ruleToken(0)))).toBe(true);
    expect(Object.fromEntries(counts)).toEqual({ 2: 4000, 3: 4000, 4: 8000 });
    const scrambled = examples.filter(({ completion }) => completion.length === 1);
    expect(scrambled.length / examples.length).toBeCloseTo(1 / 2, 1);
    // Relevant on two labels counts as the best of four.
    const ofFour = examples
      .slice(8000)
      .flatMap(({ prompt, completion }) => (scaleOf(prompt) === 4 ? [completion[0]] : []));
    for (const label of [0, 3]) expect(ofFour).toContain(tokenizer.idOf(labelToken(4, label)));
    expect(Math.max(...dev.map(({ trace }) => trace.label))).toBeLessThan(GENERAL_SCALE);
  });

  it('puts other words for those of queries, the same in prompt and completion', async () => {
    const parts = await bothParts();
    const { examples, tokenizer } = prepareGeneral(await generalExperiment('general', parts), parts, RULES);
    const textsOf = (ids: Int32Array): string[] =>
      tokenizer.decode([...ids]).flatMap((each) => (each.kind === 'text' ? [each.text.trim()] : []));
    // Numbers stay as they are, and every query of these has its own.
    const shownWith = new Map<string, Set<string>>();
    for (const { prompt, completion } of examples) {
      const words = textsOf(prompt).flatMap((text) => text.split(' '));
      const number = words.find((word) => /^\d+$/u.test(word)) ?? '';
      shownWith.set(number, new Set([...(shownWith.get(number) ?? []), ...words]));
      for (const quoted of textsOf(completion)) expect(words).toContain(quoted);
    }
    const learned = new Set(parts.flatMap(({ train }) => train.map(({ query }) => query)));
    expect(shownWith.size).toBe(learned.size);
    for (const words of shownWith.values()) expect(words.size).toBeGreaterThan(5);
  });

  it('is the same each time', async () => {
    const parts = await bothParts();
    const experiment = await generalExperiment('general', parts);
    const [first, second] = [prepareGeneral(experiment, parts, RULES), prepareGeneral(experiment, parts, RULES)];
    expect(first.examples).toEqual(second.examples);
    expect((await generalExperiment('general', await bothParts())).data).toEqual(experiment.data);
  });

  it('removes the standing of a single pair, and keeps its similarities', async () => {
    const [part] = await bothParts();
    const [pair] = part?.test ?? [];
    if (pair === undefined) throw new Error('no pair');
    expect(pair.standing).toBeDefined();
    expect(alone(pair)).not.toHaveProperty('standing');
    const meant = { ...pair, meaning: { title: 0.5, passage: 0.6, gap: 0.1 } };
    expect(alone(meant).meaning).toEqual({ title: 0.5, passage: 0.6 });
  });
});

describe('results', () => {
  const rows = Array.from({ length: 12 }, (_, i): Prediction => {
    return {
      queryId: `q${Math.floor(i / 3)}`,
      docId: `d${i}`,
      gold: i % 2,
      label: i % 2,
      score: i % 2,
      confidence: 0.75,
    };
  });
  const wrong = rows.map((row) => ({ ...row, label: 1 - row.gold, score: -row.score }));
  const results = setResults(
    msrd,
    [
      {
        predictions: {
          [GENERAL_SYSTEMS.bm25]: wrong,
          [GENERAL_SYSTEMS.general]: rows,
          [GENERAL_SYSTEMS.alone]: wrong,
          [ENCODED_SYSTEMS.general]: rows,
        },
        reasons: [],
      },
    ],
    1000,
  );

  it('are compared with BM25, and state how much was run', () => {
    expect(results.verdict).toMatch(/^general: above BM25 in accuracy, macro-F1, QWK, pair accuracy/u);
    expect(results.queries).toEqual({ inFile: 1000, drawn: 450, tested: 4 });
    const text = reportMarkdown(
      generalReport({ id: 'general', device: 'cpu', commit: 'abc', config: {}, sets: [results] }),
    );
    expect(text).toContain('1 of 5 folds by query (preliminary); 4 test queries with 12 judged pairs.');
    expect(text).toContain('| general, each pair by itself | 4 |');
    expect(text).toContain('expected calibration error 0.250');
    expect(text).toContain('| 1 | 6 | 6 | 6 |');
    expect(text).not.toContain(GENERAL_SYSTEMS.otherSet + ' | 4');
    expect(text).not.toContain('"With the encoder"');
    const encoder = { name: 'minilm', sha256: 'f'.repeat(64) };
    const encoded = reportMarkdown(
      generalReport({ id: 'general', device: 'cpu', commit: 'abc', config: {}, encoder, sets: [results] }),
    );
    expect(encoded).toContain('"With the encoder": minilm (SHA-256 of its files ffffffffffff)');
    expect(encoded).toContain('| general, with the encoder | 4 |');
  });

  it('are written into a card that names the origin of judgments, and a lab file that parses', async () => {
    const parts = await bothParts();
    const experiment = await generalExperiment('general', parts);
    const { model } = prepareGeneral(experiment, parts, RULES);
    const facts = { dataHash: 'x', model, trainPairs: 1, steps: 1, tokens: 1, curve: [], dtype: 'f16', device: 'cpu' };
    const card = withMeasures(describeGeneral(makeModelCard(experiment, { ...facts, date: '2026-01-01' }), parts), [
      results,
    ]);
    expect(card.terms?.join(' ')).toContain('CC BY-SA 4.0');
    const names = card.evaluation?.measures.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['msrd: NDCG@10 of BM25', 'msrd: NDCG@10 with an encoder']));
    const lab = {
      ...makeFileLabFile(noRules(GENERAL_SCALE, currentFolding()), experiment.prompt),
      ...generalLab(parts),
    };
    const parsed = parseConfig('lab.json', LabFileSchema, JSON.parse(JSON.stringify(lab)) as unknown);
    expect(parsed.otherScales.map(({ names }) => names.length)).toEqual([3, 2]);
    expect(parsed.examples.length).toBeGreaterThan(1);
  });
});
