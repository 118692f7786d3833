/** Checks a proof of scores by scoring some of its windows again, or all. */
import { asStream } from '../../common/as-stream.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { LabError, throwIfAborted } from '../../common/errors.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import { encodeFor, SCORE_WINDOW, scoreStream } from '../../infer/score-pairs.ts';
import { hashWindow, type ProvenScore, sampledWindows, type ScoreProof } from './score-proof.ts';

/** What was found. */
export interface Verification {
  /** Windows and pairs that were scored again. */
  readonly windows: number;
  readonly pairs: number;
  /** Whether the file has further pairs, of which the proof says nothing. */
  readonly hasMore: boolean;
  /** The first and last rows of windows whose scores differ. */
  readonly different: readonly { readonly firstRow: number; readonly lastRow: number }[];
}

export interface VerifyOptions {
  /** How many windows; Infinity for all. */
  readonly sample: number;
  /** Draws the windows; by default another one each time. */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the share of windows that are done. */
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Scores windows again, as they were put together then.
 *
 * @param rows - of the file, as they are to be scored
 * @throws {LabError} `bad-file` if there are fewer pairs than the proof has; `aborted`
 */
export async function verifyScores(
  model: LabModel,
  rows: AsyncIterable<PairRow>,
  proof: ScoreProof,
  { sample, seed = anySeed(), signal, onProgress }: VerifyOptions,
): Promise<Verification> {
  const chosen = new Set(sampledWindows(proof, sample, seed));
  const different: { firstRow: number; lastRow: number }[] = [];
  let [number, pairs, done, seen] = [0, 0, 0, 0];
  let window: PairRow[] = [];
  const end = async (): Promise<void> => {
    if (chosen.has(number)) {
      const scores: ProvenScore[] = [];
      for await (const { item, score } of scoreStream(model, asStream(window), signal)) {
        scores.push({ row: item.row, probabilities: score.probabilities });
      }
      pairs += window.length;
      done += 1;
      onProgress?.(done, chosen.size);
      if (hashWindow(scores) !== proof.result.windows[number]) {
        different.push({ firstRow: window[0]?.row ?? 0, lastRow: window.at(-1)?.row ?? 0 });
      }
    }
    number += 1;
    window = [];
  };
  let hasMore = false;
  for await (const item of rows) {
    throwIfAborted(signal);
    // What cannot become a prompt takes no place in a window.
    if (!fits(model, item)) continue;
    hasMore = seen === proof.pairs;
    if (hasMore) break;
    window.push(item);
    seen += 1;
    if (window.length === SCORE_WINDOW) await end();
  }
  if (window.length > 0) await end();
  if (seen === proof.pairs) return { windows: done, pairs, hasMore, different };
  throw new LabError('bad-file', {
    message: 'The proof is of more pairs than can be scored here.',
    expected: `${proof.pairs} pairs`,
    got: `${seen}`,
    fix: 'Give the same files, read in the same way.',
  });
}

function anySeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

function fits(model: LabModel, { pair }: PairRow): boolean {
  try {
    encodeFor(model, pair);
    return true;
  } catch (error) {
    if (error instanceof LabError) return false;
    throw error;
  }
}
