/** Inside an answer, on the wasm backend; test/gpu has the same for WebGPU. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lookInside } from '../../../src/infer/inside.ts';
import { disposeLabModel, type LabModel, loadLabModel } from '../../../src/infer/lab-model.ts';
import { makeDocument } from '../../../src/relevance/pair/pair.ts';
import { useBackend } from '../../reference/backends.ts';
import { judgeAttention, judgeEntropies, judgeInside } from '../../reference/judge-inside.ts';
import { SMALL_WORLD, smallLabModel, smallModelFiles } from '../../reference/small-lab-model.ts';

const pairs = [...SMALL_WORLD.pairs('test', 0, 3)].slice(0, 3);
let model: LabModel;

beforeAll(async () => {
  await useBackend('wasm');
  model = smallLabModel();
});
afterAll(() => disposeLabModel(model));

describe('lookInside', () => {
  it.each(pairs.map((pair) => [pair.query, pair] as const))('shows of "%s" what its answer was made of', (_, pair) =>
    judgeInside(model, pair),
  );
  it('reads attention that reproduces the output of each layer', () => judgeAttention(model, pairs[0] ?? fail()));
  it('reads the entropies of the passes that wrote the tokens', () => judgeEntropies(model, pairs[1] ?? fail()));

  it('reads models whose matrices stay compressed', async () => {
    const small = await loadLabModel(smallModelFiles(), 'int8');
    await judgeInside(small, pairs[0] ?? fail());
    disposeLabModel(small);
  });

  it('joins the tokens of a word in any script, and says where the word is from', async () => {
    const document = makeDocument({ title: 'чайник 1.5l', brand: 'zorvex', attributes: { colour: 'red' } });
    const { words } = await lookInside(model, { query: 'rood 🫖', document });
    const shown = words.filter(({ isSpecial }) => !isSpecial).map(({ text, field }) => [text, field]);
    expect(shown).toEqual([
      ['rood', 'query'],
      ['🫖', 'query'],
      ['чайник', 'title'],
      ['1.5l', 'title'],
      ['zorvex', 'brand'],
      ['colour', 'attributes'],
      ['red', 'attributes'],
    ]);
    expect(words.at(-1)).toMatchObject({ text: '<|answer|>', field: null, isSpecial: true, tokens: 1 });
  });

  it('stops when it is asked to', async () => {
    const pair = pairs[0] ?? fail();
    await expect(lookInside(model, pair, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

function fail(): never {
  throw new Error('The world has too few pairs.');
}
