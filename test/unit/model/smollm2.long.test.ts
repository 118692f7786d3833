/**
 * SmolLM2-135M-Instruct from its GGUF file (Q4_1), which is not in the repository: greedy continuations of ten prompts
 * are those of transformers on the same weights (`make-fixtures.py --smollm2`). The file is looked for in the folder
 * `smollm2` of AFRL_MODELS, by default ~/.cache/afrl-models.
 */
import { stderr } from 'node:process';
import { expect, it } from 'vitest';
import { generateAll } from '../../../src/infer/generate.ts';
import { loadStreamed } from '../../../src/model/load-streamed.ts';
import { useBackend } from '../../reference/backends.ts';
import { disposeModel, fileSource, fixtureJson, openGguf, realModel } from '../../reference/model-fixture.ts';

const { file, continuations } = fixtureJson('smollm2.json') as {
  readonly file: string;
  readonly continuations: readonly {
    readonly prompt: string;
    readonly ids: readonly number[];
    readonly continuation: readonly number[];
  }[];
};
const path = realModel('smollm2', file);
if (path === undefined) {
  stderr.write(`SmolLM2 is not tested: there is no smollm2/${file} in AFRL_MODELS or ~/.cache/afrl-models.\n`);
}

it.skipIf(path === undefined)('continues ten prompts as transformers does', async () => {
  await useBackend('wasm');
  const { config, source } = await openGguf(await fileSource(path ?? ''));
  const model = await loadStreamed(config, source);
  const completions = await generateAll(
    model,
    continuations.map(({ ids }) => Int32Array.from(ids)),
    { eosId: -1, maxTokens: continuations[0]?.continuation.length ?? 0 },
  );
  for (const [i, { prompt, continuation }] of continuations.entries()) {
    expect(completions[i]?.ids, prompt).toEqual(continuation);
  }
  disposeModel(model);
});
