/**
 * A fold of a recipe on disk: interrupted and resumed it ends with the same numbers, and existing stages are reused.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FoldContext, runFold } from '../../../../src/cli/studies/recipe-fold.ts';
import type { DataSet } from '../../../../src/data/files/data-set.ts';
import {
  foldsOf,
  MODEL_IDS,
  LATER_ARMS,
  MODEL_ARMS,
  REAL_RECIPES,
  type RealRecipe,
} from '../../../../src/studies/judged/real-data.ts';
import { LabError } from '../../../../src/common/errors.ts';
import { useBackend } from '../../../reference/backends.ts';
import { dataSetOf, pairsTsv } from '../../runs/own-pairs.ts';

const [chorus] = REAL_RECIPES;
if (chorus === undefined) throw new Error('no recipe');
const GRPO: RealRecipe['grpo'] = {
  probePrompts: 2,
  probeSamples: 2,
  devPairs: 2,
  grpo: { steps: 2, prompts: 2, samples: 2, maxTokens: 4, expertBatch: 2, evaluateEvery: 2, checkpointEvery: 1 },
};
const RECIPE: RealRecipe = {
  ...chorus,
  scaleSize: 3,
  folds: 4,
  run: 1,
  sft: { steps: 2, batchSize: 4, warmupSteps: 0, evaluateEvery: 2, checkpointEvery: 1 },
  grpo: GRPO,
  mining: { samples: 2, maxTokens: 4, share: 0.5, times: 2 },
  staged: { ...GRPO, passRates: { prompts: 40, samples: 2, keep: 'all', hardWeight: 2 } },
};

let root: string;
let dataSet: DataSet;

beforeAll(async () => {
  await useBackend('wasm');
  root = await mkdtemp(join(tmpdir(), 'lab-recipe-'));
  dataSet = await dataSetOf(pairsTsv(16));
});
afterAll(() => rm(root, { recursive: true }));

function contextFor(name: string, signal = new AbortController().signal): FoldContext {
  const annotations = { size: 0, of: () => [2, 1, 1] };
  return {
    recipe: RECIPE,
    whole: dataSet,
    grades: '',
    annotations,
    models: MODEL_IDS,
    out: join(root, name),
    device: 'test',
    signal,
  };
}

async function run(context: FoldContext) {
  const [fold] = await foldsOf(RECIPE, dataSet);
  if (fold === undefined) throw new Error('no fold');
  const result = await runFold(fold, context);
  if (result === undefined) throw new Error('another process works on the fold');
  return result;
}

describe('runFold', () => {
  it('measures all systems on the test queries only, and stores every stage', async () => {
    const context = contextFor('whole');
    const result = await run(context);
    expect(Object.keys(result.prepared.baselines)).toEqual(['majority', 'random', 'BM25', 'refined instruction']);
    const names = [...MODEL_ARMS, ...Object.values(LATER_ARMS)].map(({ name }) => name);
    expect(Object.keys(result.models).toSorted()).toEqual(names.toSorted());
    const [fold] = await foldsOf(RECIPE, dataSet);
    const tested = fold?.test.map(({ query, document, grade }) => [query, document.docId, Number(grade)]);
    const everything = [
      ...Object.values(result.prepared.baselines),
      ...Object.values(result.models).map((model) => model.predictions),
    ];
    for (const predictions of everything) {
      expect(predictions.map(({ queryId, docId, gold }) => [queryId, docId, gold])).toEqual(tested);
    }
    // Three annotators give three comparisons per pair.
    expect(result.prepared.people).toHaveLength(3 * (tested?.length ?? 0));

    const weights = join(context.out, 'fold-1', 'hints', 'model', 'model.safetensors');
    const made = await stat(weights);
    const evaluated = join(context.out, 'fold-1', 'hints.json');
    await rm(evaluated);
    expect(await run(context)).toEqual(result);
    expect((await stat(weights)).mtimeMs).toBe(made.mtimeMs);
    expect(JSON.parse(await readFile(evaluated, 'utf8'))).toEqual(result.models['SFT, with hints']);
  });

  it('resumes after a stop during training to the same predictions', async () => {
    const controller = new AbortController();
    const stopped = contextFor('stopped', controller.signal);
    const timer = setInterval(() => {
      // After the first model's first checkpoint.
      void stat(join(stopped.out, 'fold-1', 'words', 'checkpoint.safetensors')).then(
        () => controller.abort(),
        () => undefined,
      );
    }, 2);
    await run(stopped).catch((error: unknown) => {
      if (!(error instanceof LabError) || error.code !== 'aborted') throw error;
    });
    clearInterval(timer);
    const resumed = await run(contextFor('stopped'));
    expect(resumed).toEqual(await run(contextFor('whole')));
  });
});
