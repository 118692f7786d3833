/** Data sets as training data: labels without reasons, no query in two splits, errors that name the row. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { DataSet } from '../../../src/data/files/data-set.ts';
import { countShortened, splitFile } from '../../../src/runs/file-data.ts';
import { prepareSft } from '../../../src/runs/sft-experiment.ts';
import { type FileData, type SftExperiment, SftExperimentSchema } from '../../../src/protocol/sft-experiment.ts';
import { parseTrace } from '../../../src/relevance/trace/trace.ts';
import { dataSetOf, pairsTsv } from './own-pairs.ts';

function experimentOn(
  { name, sha256 }: DataSet,
  more: Record<string, unknown> = {},
): SftExperiment & { data: FileData } {
  const experiment = v.parse(SftExperimentSchema, {
    preset: 'lab-nano',
    data: { kind: 'file', name, sha256, devShare: 0.2, testShare: 0.2 },
    prompt: { scaleSize: 3 },
    sft: { batchSize: 8 },
    ...more,
  });
  if (experiment.data.kind !== 'file') throw new Error('not a file');
  return { ...experiment, data: experiment.data };
}

async function prepare(dataSet: DataSet, more?: Record<string, unknown>) {
  return prepareSft(experimentOn(dataSet, more), { findData: () => Promise.resolve(dataSet) });
}

describe('the parts of a file', () => {
  it('share no query, and together are the file', async () => {
    const dataSet = await dataSetOf(pairsTsv(20));
    const { data } = experimentOn(dataSet);
    const { train, dev, test } = splitFile(data, 3, dataSet);
    const queries = [train, dev, test].map((part) => new Set(part.map(({ query }) => query)));
    expect(queries.map(({ size }) => size)).toEqual([12, 4, 4]);
    expect(new Set(queries.flatMap((part) => [...part])).size).toBe(20);
    expect(train.length + dev.length + test.length).toBe(80);
    const other = splitFile({ ...data, splitSeed: 2 }, 3, dataSet);
    expect(other.test.map(({ query }) => query)).not.toEqual(test.map(({ query }) => query));
  });

  it.each([
    [
      'one query',
      'query\ttitle\tgrade\nmug\tmug\t1\nmug\trug\t0\n',
      /too few queries.*at least 3 different queries.*Got 1/u,
    ],
    ['one grade', pairsTsv(12).replaceAll(/\t\d$/gmu, '\t1'), /same grade.*at least two different grades/u],
    [
      'grades of another scale',
      pairsTsv(12).replaceAll(/\t2$/gmu, '\t7'),
      /in row \d+ \(and \d+ more\).*from 0 to 2.*"7".*state what they mean/u,
    ],
    [
      'too few pairs for a batch',
      pairsTsv(3),
      /fewer training pairs than one update takes.*at least 8.*Lower the batch/u,
    ],
  ])('are rejected for a file with %s', async (_, text, message) => {
    await expect(prepare(await dataSetOf(text))).rejects.toThrow(message);
  });

  it('leave out a pair whose grade has no label, and learn from all others', async () => {
    const text = `${pairsTsv(20)}\nmug\tmug\t7\nmug\tmug\tunclear\n`;
    const dataSet = await dataSetOf(text);
    const { train, dev, test } = splitFile(experimentOn(dataSet).data, 3, dataSet);
    expect(train.length + dev.length + test.length).toBe(80);
  });

  it('have the labels that their grades are declared to mean', async () => {
    const plain = await dataSetOf(pairsTsv(20));
    const worded = await dataSetOf(pairsTsv(20).replaceAll(/\t(\d)$/gmu, (_, grade) => `\tno ${grade}`));
    const grades = 'no 0=0,no 1=1,no 2=2';
    const labels = (dataSet: DataSet, meaning: string): number[] => {
      const { train, dev, test } = splitFile({ ...experimentOn(dataSet).data, grades: meaning }, 3, dataSet);
      return [...train, ...dev, ...test].map(({ label }) => label);
    };
    expect(labels(worded, grades)).toEqual(labels(plain, ''));
    expect(() => splitFile(experimentOn(worded).data, 3, worded)).toThrow(/not on the scale/u);
  });

  it('can be read from a file with words of any length', async () => {
    const text = `${pairsTsv(20)}\nred mug 1\t${'x'.repeat(3000)}\t1\n`;
    const { examples, shortened } = await prepare(await dataSetOf(text));
    expect(examples.length).toBeGreaterThan(0);
    const whole = await prepare(await dataSetOf(pairsTsv(20)));
    expect(shortened - whole.shortened).toBeLessThanOrEqual(1);
  });

  it('are rejected for a file other than the one in the settings', async () => {
    const [named, given] = [await dataSetOf(pairsTsv(20)), await dataSetOf(pairsTsv(21), 'other.tsv')];
    const preparing = prepareSft(experimentOn(named), { findData: () => Promise.resolve(given) });
    await expect(preparing).rejects.toMatchObject({ code: 'bad-checkpoint' });
    await expect(preparing).rejects.toThrow(/other\.tsv is not the one that this run learns from.*Choose the file/u);
  });
});

describe('the examples of a file', () => {
  it('are the label, no step, the label again and the end', async () => {
    const { tokenizer, examples, dev, dataHash, rules } = await prepare(await dataSetOf(pairsTsv(20)));
    expect(examples).toHaveLength(48);
    expect(dev).toHaveLength(16);
    expect(dataHash).toMatch(/^[0-9a-f]{64}$/u);
    expect(rules.instruction.rules).toEqual([]);
    for (const { completion } of examples) {
      const parsed = parseTrace(tokenizer.decode([...completion]), 3);
      expect(parsed).toMatchObject({ ok: true, trace: { steps: [] } });
      expect(parsed.ok && parsed.trace.restated).toBe(parsed.answer);
    }
  });

  it('have no token from held-out pairs', async () => {
    const dataSet = await dataSetOf(pairsTsv(20));
    const { test, dev } = splitFile(experimentOn(dataSet).data, 3, dataSet);
    const heldOut = new Set([...test, ...dev].map(({ query }) => query));
    // Only the held-out rows get another language, which must not change the vocabulary.
    const rows = pairsTsv(20).split('\n');
    const changed = rows.map((row) =>
      heldOut.has(row.split('\t')[0] ?? '') ? row.replace(/\t.*\t/u, '\tžluťoučký kůň\t') : row,
    );
    const [before, after] = [await prepare(dataSet), await prepare(await dataSetOf(changed.join('\n')))];
    expect(after.tokenizer.toJson()).toEqual(before.tokenizer.toJson());
    expect(after.examples).toEqual(before.examples);
  });

  it('fit into the model, and are counted where they were truncated', async () => {
    const long = pairsTsv(20).replace(/\t(\w+ \w+)\t/u, `\t$1 ${'extraordinarily long winded '.repeat(60)}\t`);
    const dataSet = await dataSetOf(long);
    const words = { query: 24, title: 4096, brand: 6, type: 6, attributes: 48, text: 32 };
    const { examples, model, shortened, dev } = await prepare(dataSet, {
      prompt: { scaleSize: 3, maxWordsPerField: words },
    });
    expect(Math.max(...examples.map(({ prompt }) => prompt.length))).toBeLessThanOrEqual(model.maxPositions - 32);
    const isHeldOut = dev.some(({ pair }) => pair.document.title.includes('winded'));
    expect(shortened).toBe(isHeldOut ? 0 : 1);
    const { prompt } = experimentOn(dataSet);
    expect(countShortened(dataSet, prompt)).toEqual({ queries: 0, documents: 1 });
  });

  it('counts a query whose prompt shows the words that a title lacks where one of its titles lacks too many', async () => {
    const { prompt } = experimentOn(await dataSetOf(pairsTsv(20)));
    const shown = { ...prompt, missing: true, maxWordsPerField: { ...prompt.maxWordsPerField, query: 2, title: 0 } };
    const pair = (title: string): string => `mug kettle knife spoon\t${title}\t1`;
    const counted = async (...titles: string[]): Promise<number> =>
      countShortened(await dataSetOf(['query\ttitle\tgrade', ...titles.map(pair)].join('\n')), shown).queries;
    expect(await counted('a mug', 'a lamp with kettle, knife and spoon')).toBe(1);
    expect(await counted('mug and kettle', 'knife, spoon')).toBe(0);
  });
});
