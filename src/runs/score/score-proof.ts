/**
 * A proof of scores: what was scored, by what, and a SHA-256 of each window of pairs that were scored together. Anyone
 * who has the same files and model can score some of the windows again, or all, and compare.
 *
 * It proves that scores come from that model and data; it is no signature of a person.
 */
import * as v from 'valibot';
import { sha256Portable } from '../../checkpoint/sha256.ts';
import { LabError } from '../../common/errors.ts';
import { PRECISIONS } from '../../config/stored.ts';
import { parseConfig } from '../../config/parse.ts';
import { Rng } from '../../common/rng.ts';
import { SCORE_WINDOW } from '../../infer/score-pairs.ts';

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const ScoreProofSchema = v.strictObject({
  kind: v.literal('afrl-lab-score-proof'),
  schemaVersion: v.literal(1),
  /** ISO 8601. */
  madeAt: v.string(),
  /** Of the lab. */
  version: v.string(),
  model: v.strictObject({ name: v.string(), sha256, labels: count }),
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  /** What computed, such as a GPU by its name: said, and not compared, because equal scores are what is proven. */
  adapter: v.optional(v.string()),
  /** Of matrices in memory; `stored` as they are in the file. */
  precision: v.picklist(['stored', ...PRECISIONS]),
  /** Scores are taken from the distribution over labels without drawing, so there is no seed. */
  seed: v.null(),
  /** The files in the order in which they were given. */
  data: v.pipe(
    v.array(
      v.strictObject({ part: v.picklist(['pairs', 'docs', 'queries']), name: v.string(), sha256, sizeBytes: count }),
    ),
    v.minLength(1),
  ),
  /** How the files were read. */
  reading: v.strictObject({
    layout: v.string(),
    sheet: v.nullable(v.string()),
    columns: v.record(v.string(), v.string()),
  }),
  /** A proof of nothing would always hold. */
  pairs: v.pipe(count, v.minValue(1)),
  window: v.literal(SCORE_WINDOW),
  result: v.strictObject({ sha256, windows: v.array(sha256) }),
});
export type ScoreProof = v.InferOutput<typeof ScoreProofSchema>;

/** The facts of a proof that do not come of the scores. */
export type ProofFacts = Pick<ScoreProof, 'model' | 'backend' | 'adapter' | 'precision' | 'data' | 'reading'>;

/** A scored pair as a proof takes it. */
export interface ProvenScore {
  readonly row: number;
  readonly probabilities: readonly number[];
}

/** Hashes scores as they come, window by window. */
export class ScoreHash {
  readonly #windows: string[] = [];
  #lines: string[] = [];

  add({ row, probabilities }: ProvenScore): void {
    this.#lines.push(lineOf(row, probabilities));
    if (this.#lines.length === SCORE_WINDOW) this.#end();
  }

  /** The hashes of all windows, and of these. */
  result(): ScoreProof['result'] {
    if (this.#lines.length > 0) this.#end();
    return { sha256: hashOf(this.#windows.join('\n')), windows: [...this.#windows] };
  }

  #end(): void {
    this.#windows.push(hashOf(this.#lines.join('\n')));
    this.#lines = [];
  }
}

/** The hash of a window of scores. */
export function hashWindow(scores: readonly ProvenScore[]): string {
  return hashOf(scores.map(({ row, probabilities }) => lineOf(row, probabilities)).join('\n'));
}

/** Reads a proof. @throws {LabError} `bad-file` if it is none, or contradicts itself */
export function readProof(text: string, name: string): ScoreProof {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch (cause) {
    throw notProof(name, 'no JSON', cause);
  }
  const read = v.safeParse(ScoreProofSchema, value);
  if (!read.success) throw notProof(name, read.issues[0].message);
  const { result, pairs } = read.output;
  if (result.windows.length !== Math.ceil(pairs / SCORE_WINDOW)) {
    throw notProof(name, `${result.windows.length} windows of ${pairs} pairs`);
  }
  if (hashOf(result.windows.join('\n')) !== result.sha256)
    throw notProof(name, 'windows that are not those of its result');
  return read.output;
}

/** @throws {LabError} `bad-file` if a proof is of other files or another model, or they are read in another way */
export function checkProof(proof: ScoreProof, facts: ProofFacts): void {
  const said = ({ model, backend, precision, data, reading }: ProofFacts): Readonly<Record<string, string>> => ({
    model: `${model.sha256}, ${model.labels} labels`,
    backend,
    precision,
    files: data
      .map(({ sha256: hash }) => hash)
      .toSorted()
      .join(' '),
    reading: JSON.stringify([
      reading.layout,
      reading.sheet,
      Object.entries(reading.columns).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ]),
  });
  const [expected, got] = [said(proof), said(facts)];
  const different = Object.keys(expected).filter((name) => expected[name] !== got[name]);
  if (different.length === 0) return;
  const listed = (of: Readonly<Record<string, string>>): string =>
    different.map((name) => `${name} ${of[name] ?? ''}`).join('; ');
  throw new LabError('bad-file', {
    message: `The proof is of something else: ${different.join(', ')}.`,
    expected: listed(expected),
    got: listed(got),
    fix: 'Open the same files, read in the same way, and choose the same model and backend.',
  });
}

/** A proof, checked as readers will check it. */
export function makeProof(parts: Omit<ScoreProof, 'kind' | 'schemaVersion' | 'window' | 'seed'>): ScoreProof {
  return parseConfig('A proof', ScoreProofSchema, {
    kind: 'afrl-lab-score-proof',
    schemaVersion: 1,
    window: SCORE_WINDOW,
    seed: null,
    ...parts,
  });
}

/**
 * The windows to score again: `sample` of them, or all.
 *
 * @param seed - must be unknown to the maker of the proof, who could otherwise leave just these windows as they were
 */
export function sampledWindows({ result }: ScoreProof, sample: number, seed: number): readonly number[] {
  const all = result.windows.map((_, i) => i);
  if (sample >= all.length) return all;
  const rng = new Rng(seed);
  const drawn = new Set<number>();
  while (drawn.size < sample) drawn.add(rng.int(all.length));
  return [...drawn].toSorted((a, b) => a - b);
}

/** The hash of a model, from the hashes of its files in the order of `ALL_MODEL_FILES`. */
export function modelHashOf(fileHashes: readonly string[]): string {
  return hashOf(fileHashes.join(' '));
}

function lineOf(row: number, probabilities: readonly number[]): string {
  // Six decimals: more are noise of 32-bit floats.
  return `${row} ${probabilities.map((p) => p.toFixed(6)).join(' ')}`;
}

function hashOf(text: string): string {
  return sha256Portable(new TextEncoder().encode(text));
}

function notProof(name: string, got: string, cause?: unknown): LabError {
  return new LabError('bad-file', {
    message: `${name} is no proof of scores that can be checked.`,
    expected: 'a file that "lab score --proof" or the Files view has written',
    got,
    fix: 'Make it again.',
    cause,
  });
}
