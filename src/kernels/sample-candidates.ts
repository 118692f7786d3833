/**
 * The tokens that the sampler (sample-token.ts) considers in a row: all of them, or the choices of an automaton.
 */
import { TAG_LABEL, TAG_RESTATED, TAG_RULE } from './held-tags.ts';

/** The shader parts that differ between unconstrained rows and rows constrained by an automaton. */
export interface Candidates {
  readonly bindings: readonly string[];
  /** `logitOf(start, base, v)`, the logit of candidate v, LOWEST if it is not allowed. */
  readonly declarations: string;
  /** Sets `base` and `count`, the range of a row's candidates. */
  readonly find: string;
  readonly skip: string;
  /** The token of candidate `id`. */
  readonly token: string;
  /** Runs after the choice of candidate `id`. */
  readonly advance: string;
}

/** Every token is allowed. */
export const ANY_TOKEN: Candidates = {
  bindings: [],
  declarations: 'fn logitOf(start: u32, base: u32, v: u32) -> f32 { return logits[start + v]; }',
  find: 'let base = 0u;\n  let count = sizes.V;',
  skip: '',
  token: 'id',
  advance: '',
};

/** The choices at the state of a row's automaton that its history allows. */
export const HELD_TOKENS: Candidates = {
  bindings: [
    'var<storage, read> offsets: array<u32>',
    'var<storage, read> choices: array<vec4i>',
    'var<storage, read_write> rows: array<i32>',
  ],
  declarations: `
var<private> label: i32;
var<private> cited: vec2u;
var<private> most: i32; // remaining tokens

fn logitOf(start: u32, base: u32, v: u32) -> f32 {
  let choice = choices[base + v];
  let tag = u32(choice.z);
  let isCited = ((cited[tag / 32u] >> (tag % 32u)) & 1u) == 1u;
  let isOtherLabel = tag == ${TAG_RESTATED}u && choice.x != label;
  if (isCited || isOtherLabel || choice.w + 1 > most) { return LOWEST; }
  return logits[start + u32(choice.x)];
}`,
  find: `let state = u32(rows[6u * row]);
  label = rows[6u * row + 1u];
  cited = vec2u(u32(rows[6u * row + 2u]), u32(rows[6u * row + 3u]));
  most = rows[6u * row + 5u] - rows[6u * row + 4u];
  let base = offsets[state];
  let count = offsets[state + 1u] - base;`,
  skip: 'if (z == LOWEST) { continue; }',
  token: 'u32(choices[base + id].x)',
  advance: `
  if (ids[row] != sizes.eosId) {
    let choice = choices[base + id];
    let tag = u32(choice.z);
    rows[6u * row] = choice.y;
    if (tag == ${TAG_LABEL}u) { rows[6u * row + 1u] = choice.x; }
    if (tag >= ${TAG_RULE}u && tag < ${TAG_LABEL}u) { rows[6u * row + 2u + tag / 32u] |= i32(1u << (tag % 32u)); }
    rows[6u * row + 4u] += 1;
  }`,
};
