/**
 * The teacher's logits at the scored rows of a batch. Either the teacher is run on every batch, or its answers to all
 * examples are computed before training and kept in compact form: per row, the K most likely tokens with their
 * log-probabilities, and the remaining mass, spread evenly over all other tokens. A student that sees each example
 * several times then pays for the teacher once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { DistillConfig } from '../config/distill-config.ts';
import { type Example, makeTrainingBatch, type TrainingBatch } from '../data/batches.ts';
import type { Transformer } from '../model/transformer.ts';
import { distribution } from '../ops/token-entropies.ts';
import { scoredLogits } from './policy-batch.ts';

/**
 * The teacher's logits of the M scored rows, `[M,V]`.
 *
 * @param examples - indices of the batch's examples among the run's; undefined for completions of the student
 */
export type TeacherLogits = (batch: TrainingBatch, examples: readonly number[] | undefined) => tf.Tensor2D;

/** The minimum of the remaining mass, so that its logarithm is finite. */
const LEAST_MASS = 1e-12;

/** The size of a compact row: an id and a log-probability for each of K tokens, and the remaining mass. */
const bytesPerRow = (K: number): number => K * (Uint16Array.BYTES_PER_ELEMENT + Float32Array.BYTES_PER_ELEMENT) + 4;

/** Runs the teacher on every batch. */
export function askTeacher(teacher: Transformer): TeacherLogits {
  return (batch) => scoredLogits(teacher, batch);
}

/** Whether to keep the answers to all examples: they fit into the memory budget and each example is used repeatedly. */
export function isKeepingWorthwhile(
  { steps, batchSize, teacherCacheMiB, teacherTopK }: DistillConfig,
  vocabSize: number,
  examples: readonly Example[],
): boolean {
  const rows = examples.reduce((sum, { completion }) => sum + completion.length, 0);
  const needed = rows * bytesPerRow(Math.min(teacherTopK, vocabSize));
  return needed <= teacherCacheMiB * 2 ** 20 && steps * batchSize > examples.length;
}

/** The teacher's answers to all examples, in compact form. */
export class KeptAnswers {
  readonly #vocabSize: number;
  readonly #topK: number;
  /** Where the rows of each example begin. */
  readonly #starts: readonly number[];
  readonly #ids: Uint16Array;
  readonly #logProbs: Float32Array;
  readonly #restMass: Float32Array;

  private constructor(vocabSize: number, topK: number, examples: readonly Example[]) {
    this.#vocabSize = vocabSize;
    this.#topK = Math.min(topK, vocabSize);
    let rows = 0;
    this.#starts = examples.map(({ completion }) => {
      rows += completion.length;
      return rows - completion.length;
    });
    this.#ids = new Uint16Array(rows * this.#topK);
    this.#logProbs = new Float32Array(rows * this.#topK);
    this.#restMass = new Float32Array(rows);
  }

  /**
   * Runs the teacher on all examples.
   *
   * @param onProgress - called with the number of examples done
   * @throws {LabError} `aborted`
   */
  static async make(
    teacher: Transformer,
    examples: readonly Example[],
    { teacherTopK, sequencesPerPass }: Pick<DistillConfig, 'teacherTopK' | 'sequencesPerPass'>,
    { signal, onProgress }: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (done: number) => void },
  ): Promise<KeptAnswers> {
    const answers = new KeptAnswers(teacher.config.vocabSize, teacherTopK, examples);
    const byLength = examples.map((_, i) => i).toSorted((a, b) => lengthOf(examples[a]) - lengthOf(examples[b]));
    for (let start = 0; start < byLength.length; start += sequencesPerPass) {
      await yieldToMessages();
      throwIfAborted(signal);
      const indices = byLength.slice(start, start + sequencesPerPass);
      await answers.#ask(teacher, examples, indices);
      onProgress?.(start + indices.length);
    }
    return answers;
  }

  /** Teacher logits from the kept answers; `otherwise` is used for completions that were not kept. */
  read(otherwise: TeacherLogits): TeacherLogits {
    return (batch, examples) =>
      examples === undefined
        ? otherwise(batch, examples)
        : tf.tensor2d(this.dense(examples, batch.rows.length), [batch.rows.length, this.#vocabSize]);
  }

  /**
   * Log-probabilities over the whole vocabulary, example after example.
   *
   * @param rows - M, at least as many as the examples have; further ones are 0
   * @returns M*V
   */
  dense(examples: readonly number[], rows: number): Float32Array {
    const [V, K] = [this.#vocabSize, this.#topK];
    const out = new Float32Array(rows * V);
    let row = 0;
    for (const example of examples) {
      const end = this.#starts[example + 1] ?? this.#restMass.length;
      for (let kept = this.#starts[example] ?? end; kept < end; kept++, row++) {
        const rest = Math.max(LEAST_MASS, this.#restMass[kept] ?? 0) / Math.max(1, V - K);
        out.fill(Math.log(rest), row * V, (row + 1) * V);
        for (let k = kept * K; k < (kept + 1) * K; k++) {
          out[row * V + (this.#ids[k] ?? 0)] = this.#logProbs[k] ?? 0;
        }
      }
    }
    return out;
  }

  async #ask(teacher: Transformer, examples: readonly Example[], indices: readonly number[]): Promise<void> {
    const K = this.#topK;
    const batch = makeTrainingBatch(indices.flatMap((index) => examples[index] ?? []));
    const { values, indices: ids } = tf.tidy(() => tf.topk(distribution(scoredLogits(teacher, batch)).logP, K)); // [M,V] -> [M,K]
    const [logProbs, tokens] = await Promise.all([values.data<'float32'>(), ids.data<'int32'>()]); // GPU -> CPU sync
    tf.dispose([values, ids]);
    let row = 0;
    for (const index of indices) {
      const first = this.#starts[index] ?? 0;
      for (let i = 0; i < (examples[index]?.completion.length ?? 0); i++, row++) {
        const ofRow = logProbs.subarray(row * K, (row + 1) * K);
        this.#logProbs.set(ofRow, (first + i) * K);
        this.#ids.set(tokens.subarray(row * K, (row + 1) * K), (first + i) * K);
        this.#restMass[first + i] = 1 - ofRow.reduce((mass, logProb) => mass + Math.exp(logProb), 0);
      }
    }
  }
}

function lengthOf(example: Example | undefined): number {
  return example === undefined ? 0 : example.prompt.length + example.completion.length;
}
