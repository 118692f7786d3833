/**
 * The next token of each row, chosen on the GPU from its logits: the most likely one, or a draw at a temperature, from
 * all tokens or from the most likely ones (top-k, then top-p of the rest).
 *
 * A draw inverts the cumulative distribution in token id order, at a number that is a function of seed, row and
 * position: `new Rng('seed/row/position').next()` of common/rng.ts, computed from the hash of its prefix, so that the
 * CPU draws the same numbers. All sums have a fixed order: a lane of the row's workgroup processes consecutive tokens,
 * and lanes are added in order. So a token depends only on its row. Top-k and top-p amount to a cut through the logits
 * (ties by the lower id), found bit by bit from counts and masses above a bound: 32 rounds of one barrier each.
 *
 * In: logits `[B,V]`; for draws, hashes `[B]` of `seed/row/`. In and out: ids `[B]` int32, the last tokens; a row whose
 * last token is the end token repeats it, at log-probability 0. Out: drawn `[slots,2,B]`, of which one slot is written:
 * tokens as numbers and their log-probabilities at the temperature (greedy ones at 1), before top-k and top-p. Grid: a
 * workgroup per row. No optional feature.
 *
 * Rows can be constrained by an automaton (infer/held). Then only the choices at a row's state are considered, so that
 * the cost of a token is that of its choices and not of V, and log-probabilities are relative to the allowed choices.
 * In: offsets `[states+1]` and choices `[n,4]` (token, next state, tag, tokens from the next state to the end), int32.
 * In and out: rows `[B,6]` int32 (state, label token, two words of cited rules, tokens so far, maximum tokens).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, forgetRead, type Program } from '../gpu/dispatch.ts';
import { ANY_TOKEN, type Candidates, HELD_TOKENS } from './sample-candidates.ts';

/** The sampling settings. */
export interface TokenChoice {
  /** 0 chooses the most likely token, with its log-probability at temperature 1. */
  readonly temperature: number;
  /** The number of most likely tokens to draw from; V for all. */
  readonly topK: number;
  /** The share of their mass that the most likely of these must reach; 1 for all. */
  readonly topP: number;
  readonly eosId: number;
}

/** The states of the rows. */
export interface RowStates {
  /** `[B]` int32, changed in place. */
  readonly ids: tf.Tensor1D;
  /** `[B]` int32, the bits of `fnv1a('seed/row/')`. */
  readonly hashes: tf.Tensor1D;
  /** `[slots,2,B]`, changed in place. */
  readonly drawn: tf.Tensor3D;
}

/** The automata that constrain rows, laid out for the kernel. */
export interface HeldTables {
  /** `[states+1]` int32: the choices of state s are from `offsets[s]` (inclusive) to `offsets[s + 1]` (exclusive). */
  readonly offsets: tf.Tensor1D;
  /** `[n,4]` int32, ascending by token within a state. */
  readonly choices: tf.Tensor2D;
  /** `[B,6]` int32, changed in place. */
  readonly rows: tf.Tensor2D;
}

/** Space for the tokens of some steps, `[slots,2,B]`. */
export function drawnTokens(slots: number, B: number): tf.Tensor3D {
  return allocate<tf.Rank.R3>([slots, 2, B]);
}

/**
 * Chooses a token for each row.
 *
 * @param slot - the slot of `drawn` to write
 * @param position - the position of the token in its completion
 * @param held - the automata that constrain the rows; default: none
 */
export function sampleTokens(
  logits: tf.Tensor2D,
  { ids, hashes, drawn }: RowStates,
  { temperature, topK, topP, eosId }: TokenChoice,
  slot: number,
  position: number,
  held?: HeldTables,
): void {
  const [B, V] = logits.shape;
  const isFiltered = topK < V || topP < 1;
  const kind = temperature === 0 ? 'greedy' : isFiltered ? 'filtered' : 'drawn';
  forgetRead(ids);
  forgetRead(drawn);
  if (held !== undefined) forgetRead(held.rows);
  dispatch({
    program: (held === undefined ? FREE : HELD)[kind],
    tensors: [
      logits,
      ids,
      drawn,
      ...(kind === 'greedy' ? [] : [hashes]),
      ...(held === undefined ? [] : [held.offsets, held.choices, held.rows]),
    ],
    parameters: [
      B,
      V,
      slot,
      position,
      eosId,
      topK,
      floatBits(1 / (temperature === 0 ? 1 : Math.max(temperature, 1e-30))),
      floatBits(topP),
    ],
    size: [B * LANES],
    workgroupSize: [LANES],
  });
}

function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

/** Invocations per row. */
const LANES = 32;

/**
 * A sum over the lanes in order, which all lanes get. Consecutive calls alternate between two arrays by `parity`, so
 * that one barrier each is enough.
 */
function sumOverLanes(name: string, type: 'f32' | 'u32'): string {
  return `var<workgroup> ${name}Parts: array<${type}, ${2 * LANES}>;

fn ${name}(lane: u32, parity: u32, part: ${type}) -> ${type} {
  ${name}Parts[parity * ${LANES}u + lane] = part;
  workgroupBarrier();
  var sum = ${type}(0);
  for (var other = 0u; other < ${LANES}u; other++) { sum += ${name}Parts[parity * ${LANES}u + other]; }
  return sum;
}`;
}

/** The number in [0, 1) of a row and position, with 24 bits, the precision of a float. */
const UNIFORM = `
fn mix32(x: u32) -> u32 {
  var z = (x ^ (x >> 16u)) * 0x21f0aaadu;
  z = (z ^ (z >> 15u)) * 0x735a2d97u;
  return z ^ (z >> 15u);
}

fn uniformAt(start: u32, position: u32) -> f32 {
  var hash = start;
  var divisor = 1u;
  while (position / divisor >= 10u) { divisor *= 10u; }
  while (divisor > 0u) { // the decimal digits of the position
    hash = (hash ^ (48u + (position / divisor) % 10u)) * 0x01000193u;
    divisor /= 10u;
  }
  return f32(mix32(mix32(hash) + 0x9e3779b9u) >> 8u) / 16777216.0;
}`;

/** A monotonic map from logits to integers, and its inverse. */
const SORTABLE = `
fn sortable(z: f32) -> u32 {
  let bits = bitcast<u32>(z);
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

fn fromSortable(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >= 0x80000000u));
}`;

/** WGSL of the logit of candidate v of a row. */
const Z = 'logitOf(start, base, v)';

/**
 * Finds `cut`, the lowest logit to draw from, and `ties`, the number of tokens with this logit to draw from: first by
 * count, then by mass. All lanes must reach a barrier, so every row has the same number of rounds.
 */
const FIND_CUT = `
  let wantedCount = min(sizes.topK, count);
  var cut = 0u;
  for (var bit = 0u; bit < 32u; bit++) {
    let bound = cut | (0x80000000u >> bit);
    var reached = 0u;
    for (var v = first; v < end; v++) { reached += select(0u, 1u, sortable(${Z}) >= bound); }
    if (countAll(lane, bit % 2u, reached) >= wantedCount) { cut = bound; }
  }
  var above = 0u;
  var part = 0.0;
  for (var v = first; v < end; v++) {
    let isAbove = sortable(${Z}) > cut;
    above += select(0u, 1u, isAbove);
    part += select(0.0, exp((${Z} - high) * inverse), isAbove);
  }
  var ties = wantedCount - countAll(lane, 0u, above);
  let massAbove = massAll(lane, 0u, part);
  let topP = bitcast<f32>(sizes.topP);
  if (topP < 1.0) {
    let wanted = topP * (massAbove + f32(ties) * exp((fromSortable(cut) - high) * inverse));
    let lowest = cut;
    cut = 0u;
    for (var bit = 0u; bit < 32u; bit++) {
      let bound = cut | (0x80000000u >> bit);
      part = 0.0;
      for (var v = first; v < end; v++) {
        part += select(0.0, exp((${Z} - high) * inverse), sortable(${Z}) >= bound);
      }
      let mass = massAll(lane, (bit + 1u) % 2u, part);
      // Everything above the first cut has enough mass, and the most likely token is always included.
      if (bound <= lowest || (mass >= wanted && bound <= sortable(high))) { cut = bound; }
    }
    part = 0.0;
    for (var v = first; v < end; v++) {
      part += select(0.0, exp((${Z} - high) * inverse), sortable(${Z}) > cut);
    }
    let missing = wanted - massAll(lane, 1u, part);
    let most = select(count, ties, cut == lowest);
    ties = u32(clamp(ceil(missing / exp((fromSortable(cut) - high) * inverse)), 1.0, f32(most)));
  }
  var tied = 0u;
  for (var v = first; v < end; v++) { tied += select(0u, 1u, sortable(${Z}) == cut); }
  laneTies[lane] = tied;
  laneHeat[lane] = part;
  workgroupBarrier();`;

type Kind = 'greedy' | 'drawn' | 'filtered';

/** The weight of candidate v in a draw. */
const WEIGHT = `exp((${Z} - high) * inverse)`;

/** The last step of lane 0: walks over lanes, then over the tokens of one, until the drawn mass is passed. */
function walk(kind: 'drawn' | 'filtered'): string {
  const isFiltered = kind === 'filtered';
  const massOf = isFiltered
    ? 'laneHeat[other] + f32(min(left, laneTies[other])) * tieWeight'
    : 'laneMass[other] * exp((laneHigh[other] - high) * inverse)';
  const spend = isFiltered ? 'left -= min(left, laneTies[other]);' : '';
  const take = isFiltered
    ? `let key = sortable(${Z});
      if (key < cut || (key == cut && left == 0u)) { continue; }
      if (key == cut) { left -= 1u; }
      remaining -= ${WEIGHT};`
    : `remaining -= ${WEIGHT};`;
  return `
  ${isFiltered ? 'let tieWeight = exp((fromSortable(cut) - high) * inverse);\n  var left = ties;' : ''}
  var total = 0.0;
  for (var other = 0u; other < ${LANES}u; other++) { total += ${massOf}; ${spend} }
  var remaining = uniformAt(hashes[row], sizes.position) * total;
  ${isFiltered ? 'left = ties;' : ''}
  for (var other = 0u; other < ${LANES}u; other++) {
    let mass = ${massOf};
    if (remaining >= mass) {
      remaining -= mass;
      ${spend}
      continue;
    }
    for (var v = other * chunk; v < min(count, (other + 1u) * chunk); v++) {
      ${take}
      if (remaining < 0.0) {
        id = v;
        break;
      }
    }
    break; // if rounding leaves a remainder, the mode is used
  }`;
}

function programOf(kind: Kind, candidates: Candidates): Program {
  const isDrawn = kind !== 'greedy';
  const isFiltered = kind === 'filtered';
  const { declarations, find, skip, token, advance } = candidates;
  const bindings = [...(isDrawn ? ['var<storage, read> hashes: array<u32>'] : []), ...candidates.bindings];
  return {
    key: `sample-token ${kind}${candidates === HELD_TOKENS ? ' held' : ''}`,
    source: () => `
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> ids: array<i32>;
@group(0) @binding(2) var<storage, read_write> drawn: array<f32>;
${bindings.map((binding, i) => `@group(0) @binding(${3 + i}) ${binding};`).join('\n')}
struct Sizes { B: u32, V: u32, slot: u32, position: u32, eosId: i32, topK: u32, inverse: u32, topP: u32 }
@group(0) @binding(${3 + bindings.length}) var<uniform> sizes: Sizes;

const LOWEST = -3.4e38;
var<workgroup> laneHigh: array<f32, ${LANES}>;
var<workgroup> laneBest: array<u32, ${LANES}>;
var<workgroup> laneMass: array<f32, ${LANES}>; // at the temperature
${isFiltered ? `var<workgroup> laneHeat: array<f32, ${LANES}>; // of the tokens to draw from\nvar<workgroup> laneTies: array<u32, ${LANES}>;` : ''}
${isFiltered ? sumOverLanes('countAll', 'u32') + sumOverLanes('massAll', 'f32') + SORTABLE : ''}
${isDrawn ? UNIFORM : ''}
${declarations}

@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.x + group.y * groups.x;
  let row = min(n, sizes.B - 1u); // a workgroup past the last row repeats it
  let start = row * sizes.V;
  ${find}
  let chunk = (count + ${LANES - 1}u) / ${LANES}u;
  let first = lane * chunk;
  let end = min(count, first + chunk);
  let inverse = bitcast<f32>(sizes.inverse);
  var ownHigh = LOWEST;
  var ownBest = 0u;
  var ownMass = 0.0;
  for (var v = first; v < end; v++) {
    let z = ${Z};
    ${skip}
    if (z > ownHigh) {
      ownMass = ownMass * exp((ownHigh - z) * inverse) + 1.0;
      ownHigh = z;
      ownBest = v;
    } else {
      ownMass += exp((z - ownHigh) * inverse);
    }
  }
  laneHigh[lane] = ownHigh;
  laneBest[lane] = ownBest;
  laneMass[lane] = ownMass;
  workgroupBarrier();
  var high = laneHigh[0];
  var best = laneBest[0];
  for (var other = 1u; other < ${LANES}u; other++) {
    if (laneHigh[other] > high) {
      high = laneHigh[other];
      best = laneBest[other];
    }
  }
  ${isFiltered ? FIND_CUT : ''}
  if (lane > 0u || n >= sizes.B) { return; }
  var id = best;
  ${isDrawn ? walk(kind) : ''}
  var mass = 0.0;
  for (var other = 0u; other < ${LANES}u; other++) { mass += laneMass[other] * exp((laneHigh[other] - high) * inverse); }
  var logProb = (logitOf(start, base, id) - high) * inverse - log(mass);
  let token = ${token};${advance}
  if (ids[row] == sizes.eosId) {
    id = u32(sizes.eosId);
    logProb = 0.0;
  } else {
    id = token;
  }
  ids[row] = i32(id);
  drawn[(2u * sizes.slot) * sizes.B + row] = f32(id);
  drawn[(2u * sizes.slot + 1u) * sizes.B + row] = logProb;
}`,
  };
}

const FREE = programsOf(ANY_TOKEN);
const HELD = programsOf(HELD_TOKENS);

function programsOf(candidates: Candidates): Readonly<Record<Kind, Program>> {
  return {
    greedy: programOf('greedy', candidates),
    drawn: programOf('drawn', candidates),
    filtered: programOf('filtered', candidates),
  };
}
