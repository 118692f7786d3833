/**
 * Constrained rollouts: they are valid and grounded, and the policy that is learned is the one they were drawn from.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { type GrpoConfig, GrpoConfigSchema } from '../../../src/config/grpo-config.ts';
import { generateAll } from '../../../src/infer/generate.ts';
import { CompletionHolder } from '../../../src/infer/held/completion-holder.ts';
import { disposeWeights, type TensorData } from '../../../src/model/weights.ts';
import { EOS } from '../../../src/relevance/pair/vocabulary.ts';
import { evidenceOccurs } from '../../../src/relevance/rules/evidence.ts';
import { scoreRollouts } from '../../../src/train/policy-batch.ts';
import { drawRollouts, type RlTask } from '../../../src/train/rollouts.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { loadModel, makeTask, pretrain, runGrpo } from './grpo-runs.ts';

const free = makeTask();
let start: ReadonlyMap<string, TensorData>;

const heldTask = (kind: 'grammar' | 'grounded'): RlTask => ({ ...free, holder: new CompletionHolder(free, kind) });
const configOf = (changes: object): GrpoConfig =>
  v.parse(GrpoConfigSchema, { samples: 4, maxTokens: 24, sequencesPerPass: 5, ...changes });

beforeAll(async () => {
  await useBackend('wasm');
  start = await pretrain(free);
}, 120_000);

describe.each(['grammar', 'grounded'] as const)('rollouts constrained by "%s"', (kind) => {
  it('are valid, and quote their pairs where they must', async () => {
    const model = loadModel(start);
    const task = heldTask(kind);
    const groups = await drawRollouts(model, task, { config: configOf({}), prompts: [0, 5, 11], step: 0, round: 0 });
    expect(groups.flat()).toHaveLength(12);
    let quoted = 0;
    for (const { parsed, prompt } of groups.flat()) {
      expect(parsed.ok).toBe(true);
      if (!parsed.ok || kind === 'grammar') continue;
      const pair = task.prompts[prompt]?.pair;
      const evidence = parsed.trace.steps.flatMap((step) => step.evidence);
      quoted += evidence.length;
      expect(evidence.filter((each) => pair === undefined || !evidenceOccurs(task.folding, pair, each))).toEqual([]);
    }
    expect(quoted > 0).toBe(kind === 'grounded');
    disposeWeights(model.weights);
  });

  it.each([1, 0.7])(
    'have the log-probabilities that the sampler drew them with, at temperature %d',
    async (temperature) => {
      const model = loadModel(start);
      const task = heldTask(kind);
      const config = configOf({ temperature });
      const rollouts = (await drawRollouts(model, task, { config, prompts: [0, 5, 11], step: 0, round: 0 })).flat();
      const of = async (of: RlTask): Promise<number[]> =>
        (await scoreRollouts(model, of, rollouts, config)).flatMap(({ logProbs }) => logProbs);
      const sampled = rollouts.flatMap(({ completion }) => completion.logProbs);
      expectClose(await of(task), sampled, { absolute: 5e-5 }, 'log-probabilities');
      // The free policy gives them less, because it would have allowed other tokens.
      const [held, unheld] = [sampled, await of(free)].map((all) => all.reduce((sum, one) => sum + one, 0));
      expect(held).toBeGreaterThan((unheld ?? 0) + 0.1);
      disposeWeights(model.weights);
    },
  );

  it('are the same completions one by one, where forced tokens wait for the next pass', async () => {
    const model = loadModel(start);
    const { prompts, tokenizer, holder } = heldTask(kind);
    const asked = [0, 5, 11, 5].flatMap((index) => prompts[index] ?? []);
    const complete = (batchSize: number): ReturnType<typeof generateAll> =>
      generateAll(
        model,
        asked.map(({ example }) => example.prompt),
        {
          eosId: tokenizer.idOf(EOS),
          maxTokens: 24,
          sampler: { temperature: 1, seed: 5 },
          automata: asked.flatMap(({ pair }) => holder?.automatonOf(pair) ?? []),
          batchSize,
        },
      );
    const [together, alone] = [await complete(4), await complete(1)];
    expect(alone.map(({ ids }) => ids)).toEqual(together.map(({ ids }) => ids));
    expectClose(
      alone.flatMap(({ logProbs }) => logProbs),
      together.flatMap(({ logProbs }) => logProbs),
      { absolute: 5e-6 },
    );
    disposeWeights(model.weights);
  });

  it('can be learned from', async () => {
    const { records } = await runGrpo(heldTask(kind), start, { maxTokens: 24 }, 2);
    expect(records.length).toBeGreaterThanOrEqual(2);
    for (const { invalidShare, samplerGapNats } of records) {
      expect(invalidShare).toBe(0);
      expect(samplerGapNats).toBeLessThan(1e-4);
    }
  });
});
