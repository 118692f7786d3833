/** The modules of a model, and the gradient norm of each. */
import { describe, expect, it } from 'vitest';
import { fromHuggingFaceConfig } from '../../../../../src/config/model-config.ts';
import { weightShapes } from '../../../../../src/model/weights.ts';
import { moduleNorm, moduleNorms, modulesOf } from '../../../../../src/ui/parts/sessions/module-tree.ts';
import { MODEL_SHAPES } from '../../../../reference/random-model.ts';

describe('the tree of modules', () => {
  it('has every module of a model after the one that it is in, by a name that says where it is', () => {
    const shapes = weightShapes(fromHuggingFaceConfig(MODEL_SHAPES.odd));
    const norms = moduleNorms(Object.fromEntries([...shapes.keys()].map((name) => [name, 1])));
    const modules = modulesOf(norms.keys());
    expect(modules.slice(0, 6)).toEqual([
      { path: '', name: 'Whole model', depth: 0 },
      { path: 'model.embed_tokens', name: 'Embedding', depth: 1 },
      { path: 'model.layers.0', name: 'Layer 1', depth: 1 },
      { path: 'model.layers.0.input_layernorm', name: 'Layer 1, input_layernorm', depth: 2 },
      { path: 'model.layers.0.self_attn', name: 'Layer 1, Attention', depth: 2 },
      { path: 'model.layers.0.self_attn.q_proj', name: 'Layer 1, Attention, q_proj', depth: 3 },
    ]);
    expect(modules.slice(-2).map(({ name }) => name)).toEqual(['Final norm', 'Head']);
    expect(new Set(modules.map(({ name }) => name)).size).toBe(modules.length);
    // A projection with a bias has both in it.
    expect(norms.get('model.layers.0.self_attn.q_proj')).toBeCloseTo(Math.SQRT2, 12);
    expect(norms.get('')).toBeCloseTo(Math.sqrt(shapes.size), 12);
  });

  it('gives the norm of one module as it does among all', () => {
    const names = [...weightShapes(fromHuggingFaceConfig(MODEL_SHAPES.odd)).keys()];
    const gradNorms = Object.fromEntries(names.map((name, i) => [name, 1 + i / 7]));
    for (const [path, norm] of moduleNorms(gradNorms)) expect(moduleNorm(gradNorms, path)).toBeCloseTo(norm, 12);
    expect(moduleNorm(gradNorms, 'model.layers.9')).toBeUndefined();
  });
});
