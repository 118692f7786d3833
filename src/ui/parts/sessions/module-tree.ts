/** The modules of a model as a tree, and the gradient norm of each: that of all weights in it. */

/** The root of the tree. */
export const WHOLE_MODEL = '';

/** A module, for a list of choices. */
export interface Module {
  /** Such as `model.layers.0.self_attn`; empty for the whole model. */
  readonly path: string;
  readonly name: string;
  /** How deep it is: 0 for the whole model. */
  readonly depth: number;
}

/** The norms of all modules by path: the root of the squares of the weights below each. */
export function moduleNorms(gradNorms: Readonly<Record<string, number>>): Map<string, number> {
  const squares = new Map<string, number>();
  for (const [weight, norm] of Object.entries(gradNorms)) {
    for (const path of pathsTo(weight)) squares.set(path, (squares.get(path) ?? 0) + norm ** 2);
  }
  return new Map([...squares].map(([path, square]) => [path, Math.sqrt(square)]));
}

/** The norm of one module; undefined where it has no weights. */
export function moduleNorm(gradNorms: Readonly<Record<string, number>>, path: string): number | undefined {
  const own = Object.entries(gradNorms).filter(([weight]) => pathsTo(weight).includes(path));
  return own.length === 0 ? undefined : Math.hypot(...own.map(([, norm]) => norm));
}

/** The modules that have weights, each after the one that it is in. */
export function modulesOf(paths: Iterable<string>): Module[] {
  return [...paths].map((path) => {
    const depth = path === WHOLE_MODEL ? 0 : partsOf(path).length;
    return { path, name: nameOf(path), depth };
  });
}

/** From the whole model to the module that has the weight. */
function pathsTo(weight: string): string[] {
  const parts = partsOf(weight.slice(0, weight.lastIndexOf('.')));
  return [WHOLE_MODEL, ...parts.map((_, i) => parts.slice(0, i + 1).join('.'))];
}

/** `model.layers.0.mlp.up_proj` in three parts, because `model.layers` is a list and no module. */
function partsOf(path: string): string[] {
  const [, layer, rest] = /^(model\.layers\.\d+)\.?(.*)$/u.exec(path) ?? [];
  if (layer === undefined) return [path];
  return [layer, ...(rest === undefined || rest === '' ? [] : rest.split('.'))];
}

const NAMES: Readonly<Record<string, string>> = {
  [WHOLE_MODEL]: 'Whole model',
  'model.embed_tokens': 'Embedding',
  'model.norm': 'Final norm',
  lm_head: 'Head',
  self_attn: 'Attention',
  mlp: 'MLP',
};

/** "Layer 1", "Layer 1, Attention", "Layer 1, Attention, q_proj": a name says where the module is. */
function nameOf(path: string): string {
  const known = NAMES[path];
  if (known !== undefined) return known;
  return partsOf(path)
    .map((part) => {
      const [, number] = /^model\.layers\.(\d+)$/u.exec(part) ?? [];
      return number === undefined ? (NAMES[part] ?? part) : `Layer ${Number(number) + 1}`;
    })
    .join(', ');
}
