/**
 * A judge that reads the hints of a prompt and can only think better of a document for more of any of them: an ordinal
 * regression whose weights are not negative. The general model learns from its answers, because a decoder left to
 * itself learns the signs of its own sets: trained on products alone it ordered films below chance, where this judge,
 * fitted to the same pairs, orders them far above BM25 (docs/log.md).
 *
 *     s = sum over hints, over the buckets up to the one shown, of a weight >= 0
 *     p(label >= k) = sigma(s - t_k), t_1 <= t_2 <= ...        one set of t for each scale
 *
 * Pairs without a list, and without vectors, have judges of their own, since a sum over fewer hints has another height.
 *
 * The judge answers in labels that a person can read: where rare labels would never be the likeliest, the heights
 * between the bounds of two labels are stretched to the same width (`Calibration`).
 */
import { Rng } from '../../common/rng.ts';
import { confusionMatrix, macroF1Of, quadraticWeightedKappaOf } from '../../relevance/metrics/metrics.ts';
import {
  bucketsOf,
  HINT_BUCKETS,
  meaningBucketsOf,
  NUMBER_HINTS,
  type NumberHint,
  RANK_BUCKETS,
  STANDING_HINTS,
} from '../../relevance/pair/vocabulary.ts';
import { DOCUMENT_FIELDS } from '../../relevance/pair/pair.ts';
import type { PromptContent } from '../../relevance/prompt/prompt.ts';

/** What a judge reads of a prompt. */
export type ShownHints = Pick<PromptContent, 'hints' | 'standing' | 'meaning'>;

/** A prompt with its label on a scale. */
export interface JudgedHints {
  readonly shown: ShownHints;
  readonly label: number;
  readonly scaleSize: number;
}

/** A hint as a height: `value` of `0..size - 1`, where more speaks for the document. */
interface Height {
  readonly value: number;
  readonly size: number;
}

/** Numbers from the worst sign to the best. */
const NUMBERS_BY_WORTH: readonly NumberHint[] = ['far', 'absent', 'none', 'near', 'same'];

/** The hints of a prompt as heights. */
function heightsOf({ hints, standing, meaning }: ShownHints): Height[] {
  const heights: Height[] = [];
  const add = (value: number, size: number): void => void heights.push({ value, size });
  const addLast = (value: number, size: number): void => add(size - 1 - value, size);
  if (hints !== null) {
    for (const value of [hints.query, ...DOCUMENT_FIELDS.map((field) => hints.overlap[field])])
      add(value, HINT_BUCKETS);
    add(NUMBERS_BY_WORTH.indexOf(hints.number), NUMBER_HINTS.length);
  }
  if (standing !== null && standing !== 'absent') {
    for (const hint of STANDING_HINTS) {
      if (hint === 'rank') addLast(standing.rank, RANK_BUCKETS);
      else add(standing[hint], bucketsOf(hint));
    }
  }
  if (meaning !== null && meaning !== 'absent') {
    add(meaning.like, meaningBucketsOf('like'));
    add(meaning.passage, meaningBucketsOf('passage'));
    if (meaning.gap !== 'absent') addLast(meaning.gap, meaningBucketsOf('gap'));
  }
  return heights;
}

/** The kind of a prompt's hints; prompts of one kind have the same hints. */
function kindOf(heights: readonly Height[]): string {
  return heights.map(({ size }) => size).join();
}

const STEPS = 600;
const BATCH = 128;
const LEARNING_RATE = 0.02;
/** Per weight, which keeps hints that tell nothing at zero. */
const PENALTY = 5e-4;
const START_WEIGHT = -3;

/** How the heights of a scale become answers: `height = 0.5 + k` at bound k, and a sharpness. */
interface Calibration {
  /** The R - 1 bounds on s. */
  readonly bounds: readonly number[];
  /** Of s, below the first bound and above the last. */
  readonly slope: number;
  readonly sharpness: number;
}

/** An ordinal regression for prompts of one kind. */
class KindJudge {
  readonly #weights: Float64Array;
  readonly #calibrations = new Map<number, Calibration>();

  constructor(examples: readonly JudgedHints[], held: readonly JudgedHints[], seed: string) {
    const rows = examples.map(({ shown }) => stepsOf(heightsOf(shown)));
    const size = heightsOf(examples[0]?.shown ?? { hints: null, standing: null, meaning: null }).reduce(
      (sum, height) => sum + height.size - 1,
      0,
    );
    const { weights, bounds } = fit(examples, rows, size, new Rng(seed));
    this.#weights = weights;
    for (const [scaleSize, own] of bounds) {
      const of = [...examples, ...held].filter(({ scaleSize: asked }) => asked === scaleSize);
      const every = Math.ceil(of.length / CALIBRATED);
      const some = of.filter((_, i) => i % every === 0);
      const heights = some.map(({ label, shown }) => ({ label, s: this.#sum(stepsOf(heightsOf(shown))) }));
      this.#calibrations.set(scaleSize, calibrate(heights, scaleSize, own));
    }
  }

  /** The distribution over the labels of a scale. */
  judge(heights: readonly Height[], scaleSize: number): number[] {
    const calibration = this.#calibrations.get(scaleSize);
    if (calibration === undefined) throw new RangeError(`KindJudge: no scale of ${scaleSize}`);
    return distributionOf(this.#sum(stepsOf(heights)), calibration);
  }

  #sum(steps: readonly number[]): number {
    return steps.reduce((sum, step) => sum + (this.#weights[step] ?? 0), 0);
  }
}

/** The indices of the weights that a prompt adds up. */
function stepsOf(heights: readonly Height[]): number[] {
  const steps: number[] = [];
  let first = 0;
  for (const { value, size } of heights) {
    for (let j = 0; j < value; j++) steps.push(first + j);
    first += size - 1;
  }
  return steps;
}

/** Judges of all kinds of prompts. */
export class MonotoneJudge {
  readonly #kinds: ReadonlyMap<string, KindJudge>;

  /**
   * Fits the judges.
   *
   * @param examples - as they are: with their lists and similarities, if there are any
   * @param held - pairs of other queries, which only the calibration sees
   */
  constructor(examples: readonly JudgedHints[], held: readonly JudgedHints[], seed: number) {
    const ofHeld = byKind(held);
    this.#kinds = new Map(
      [...byKind(examples)].map(([kind, of]) => [kind, new KindJudge(of, ofHeld.get(kind) ?? [], `${kind} ${seed}`)]),
    );
  }

  /** The distribution over the labels of a scale, the worst first. */
  judge(shown: ShownHints, scaleSize: number): number[] {
    const heights = heightsOf(shown);
    const kind = this.#kinds.get(kindOf(heights));
    if (kind === undefined) throw new RangeError('MonotoneJudge: no prompt of this kind was seen');
    return kind.judge(heights, scaleSize);
  }
}

/** Prompts in all the ways in which they can be shown, by kind. */
function byKind(examples: readonly JudgedHints[]): ReadonlyMap<string, JudgedHints[]> {
  const kinds = new Map<string, JudgedHints[]>();
  for (const example of examples) {
    for (const shown of lessShown(example.shown)) {
      const kind = kindOf(heightsOf(shown));
      const of = kinds.get(kind) ?? [];
      of.push({ ...example, shown });
      kinds.set(kind, of);
    }
  }
  return kinds;
}

/** A prompt with what it may lack: its list, its similarities, both. */
function lessShown({ hints, standing, meaning }: ShownHints): ShownHints[] {
  const single = meaning === null || meaning === 'absent' ? meaning : { ...meaning, gap: 'absent' as const };
  const shown: ShownHints[] = [{ hints, standing, meaning }];
  if (meaning !== null) shown.push({ hints, standing, meaning: 'absent' });
  if (standing !== null) shown.push({ hints, standing: 'absent', meaning: single });
  if (standing !== null && meaning !== null) shown.push({ hints, standing: 'absent', meaning: 'absent' });
  return [...new Map(shown.map((each) => [kindOf(heightsOf(each)), each])).values()];
}

/** The weights, and the bounds of each scale, by Adam (arXiv 1412.6980) on the likelihood of the labels. */
function fit(
  examples: readonly JudgedHints[],
  rows: readonly (readonly number[])[],
  size: number,
  rng: Rng,
): { readonly weights: Float64Array; readonly bounds: ReadonlyMap<number, number[]> } {
  const scales = [...new Set(examples.map(({ scaleSize }) => scaleSize))].toSorted((a, b) => a - b);
  // For each scale the first bound, then the logarithms of how far each is above the one before.
  const places = new Map<number, number>();
  let count = size;
  for (const scale of scales) {
    places.set(scale, count);
    count += scale - 1;
  }
  const parameters = new Float64Array(count).fill(START_WEIGHT, 0, size);
  const [first, second] = [new Float64Array(count), new Float64Array(count)];
  const boundsOf = (scale: number): number[] => {
    const at = places.get(scale) ?? 0;
    const bounds = [parameters[at] ?? 0];
    for (let k = 1; k < scale - 1; k++) bounds.push((bounds[k - 1] ?? 0) + Math.exp(parameters[at + k] ?? 0));
    return bounds;
  };
  for (let step = 0; step < STEPS; step++) {
    const gradient = new Float64Array(count);
    const weights = parameters.subarray(0, size).map(softplus);
    const bounds = new Map(scales.map((scale) => [scale, boundsOf(scale)]));
    for (let b = 0; b < BATCH; b++) {
      const i = rng.int(examples.length);
      const { label = 0, scaleSize = 0 } = examples[i] ?? {};
      const row = rows[i] ?? [];
      const s = row.reduce((sum, place) => sum + (weights[place] ?? 0), 0);
      const own = bounds.get(scaleSize) ?? [];
      const [low, high] = [label === 0 ? 1 : sigma(s - (own[label - 1] ?? 0)), label < own.length ? sigma(s - (own[label] ?? 0)) : 0]; // prettier-ignore
      const p = Math.max(low - high, 1e-6);
      const [atLow, atHigh] = [(low * (1 - low)) / p / BATCH, (high * (1 - high)) / p / BATCH];
      for (const place of row)
        gradient[place] = (gradient[place] ?? 0) - (atLow - atHigh) * sigma(parameters[place] ?? 0);
      const at = places.get(scaleSize) ?? 0;
      for (let k = 0; k < own.length; k++) {
        const slope = k === 0 ? 1 : Math.exp(parameters[at + k] ?? 0);
        const moved = (label - 1 >= k ? atLow : 0) - (label < own.length && label >= k ? atHigh : 0);
        gradient[at + k] = (gradient[at + k] ?? 0) + moved * slope;
      }
    }
    for (let w = 0; w < size; w++) gradient[w] = (gradient[w] ?? 0) + PENALTY * sigma(parameters[w] ?? 0);
    const rate = (LEARNING_RATE * (1 + Math.cos((Math.PI * step) / STEPS))) / 2;
    for (let w = 0; w < count; w++) {
      first[w] = 0.9 * (first[w] ?? 0) + 0.1 * (gradient[w] ?? 0);
      second[w] = 0.999 * (second[w] ?? 0) + 0.001 * (gradient[w] ?? 0) ** 2;
      const mean = (first[w] ?? 0) / (1 - 0.9 ** (step + 1));
      const spread = Math.sqrt((second[w] ?? 0) / (1 - 0.999 ** (step + 1)));
      parameters[w] = (parameters[w] ?? 0) - (rate * mean) / (spread + 1e-8);
    }
  }
  return {
    weights: parameters.slice(0, size).map(softplus),
    bounds: new Map(scales.map((scale) => [scale, boundsOf(scale)])),
  };
}

/**
 * Candidates of a sharpness: wide enough to be sure, narrow enough for a label between two others to be the likeliest.
 */
const SHARPNESSES = [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6];
const SLOPES = [0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1];
/** Bounds are looked for among this many quantiles. */
const QUANTILES = 24;
/** Examples that a calibration looks at, evenly spread. */
const CALIBRATED = 3000;

/**
 * The bounds where accuracy, macro-F1 and kappa are best together, then the slope and sharpness under which the labels
 * are likeliest.
 */
function calibrate(
  examples: readonly { readonly label: number; readonly s: number }[],
  scaleSize: number,
  fitted: readonly number[],
): Calibration {
  const sorted = examples.map(({ s }) => s).toSorted((a, b) => a - b);
  const candidates = [...new Set(Array.from({ length: QUANTILES - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / QUANTILES)] ?? 0))]; // prettier-ignore
  const gold = examples.map(({ label }) => label);
  let best = { bounds: [...fitted], worth: -Infinity };
  for (const bounds of ascending(candidates, scaleSize - 1)) {
    const labels = examples.map(({ s }) => bounds.filter((bound) => s >= bound).length);
    const counts = confusionMatrix(gold, labels, scaleSize);
    const right = counts.reduce((sum, row, label) => sum + (row[label] ?? 0), 0) / examples.length;
    const worth = right + (macroF1Of(counts) ?? 0) + (quadraticWeightedKappaOf(counts) ?? 0);
    if (worth > best.worth) best = { bounds, worth };
  }
  let found: Calibration = { bounds: best.bounds, slope: 1, sharpness: 0.5 };
  let least = Infinity;
  for (const slope of SLOPES) {
    for (const sharpness of SHARPNESSES) {
      const calibration = { bounds: best.bounds, slope, sharpness };
      const loss = examples.reduce((sum, { label, s }) => sum - Math.log(Math.max(distributionOf(s, calibration)[label] ?? 0, 1e-9)), 0); // prettier-ignore
      if (loss < least) [found, least] = [calibration, loss];
    }
  }
  return found;
}

/** All ways to choose a number of values, each in ascending order. @param many - how many are chosen */
function* ascending(from: readonly number[], many: number): Generator<number[]> {
  if (many === 0) {
    yield [];
    return;
  }
  for (const [i, value] of from.entries()) {
    for (const rest of ascending(from.slice(i + 1), many - 1)) yield [value, ...rest];
  }
}

function distributionOf(s: number, { bounds, slope, sharpness }: Calibration): number[] {
  const height = heightOf(s, bounds, slope);
  const above = [1, ...bounds.map((_, k) => sigma((height - (k + 0.5)) / sharpness)), 0];
  return above.slice(0, -1).map((each, k) => Math.max(each - (above[k + 1] ?? 0), 0));
}

/** s on the scale of labels: half-way between two of them at their bound. */
function heightOf(s: number, bounds: readonly number[], slope: number): number {
  const [low = 0, high = 0] = [bounds[0], bounds.at(-1)];
  if (s <= low) return 0.5 - slope * (low - s);
  if (s >= high) return bounds.length - 0.5 + slope * (s - high);
  const k = bounds.filter((bound) => s >= bound).length - 1;
  const [from = 0, to = 0] = [bounds[k], bounds[k + 1]];
  return k + 0.5 + (s - from) / (to - from);
}

function sigma(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function softplus(x: number): number {
  return x > 30 ? x : Math.log1p(Math.exp(x));
}
