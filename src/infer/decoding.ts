/**
 * Decoding of a batch: prompts are read once, then tokens are drawn one by one with a key-value cache.
 *
 * With kernels a drawn token stays on the GPU for the next step: many steps are recorded one after another, and their
 * tokens are read back together. Without kernels the logits of each step are read back, and the CPU draws.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fnv1a } from '../common/rng.ts';
import { LENGTH_BUCKET, roundUp } from '../data/batches.ts';
import { usesGpuKernels } from '../gpu/dispatch.ts';
import { drawnTokens, type HeldTables, sampleTokens } from '../kernels/sample-token.ts';
import { KvCache } from '../model/kv-cache.ts';
import { forward, logits, type TokenBatch, type Transformer } from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { advanced, allowedTokens, type HeldRow } from './held/held-rows.ts';
import { selectHeldRows, uploadHeldRows } from './held/held-tables.ts';
import { checkSampler, type SampledToken, type SamplerConfig, sampleAllowed, sampleToken } from './sampler.ts';
import { padPrompts } from './score.ts';

/** Steps whose tokens are read back together, with kernels. */
const STEPS_PER_READ = 16;

/** The same when each token is shown as soon as it is known. */
const STREAMED_STEPS_PER_READ = 4;

/** How the tokens of a step are chosen. */
export interface DrawRequest {
  readonly sampler: SamplerConfig;
  readonly eosId: number;
  /** The ids that select each row's random numbers. */
  readonly rowIds: readonly number[];
  /** The position of the next token in its completion. */
  readonly position: number;
}

/** The tokens of some steps, B per step; tokens after an end token have no meaning. */
export interface DrawnTokens {
  readonly ids: ArrayLike<number>;
  /** At the sampler's temperature, greedy ones at 1, in nats. */
  readonly logProbs: ArrayLike<number>;
}

/** Rows of a batch that are decoded together. The caller owns it and must call {@link dispose}. */
export class Decoding {
  readonly #model: Transformer;
  readonly #cache: KvCache;
  /** `[B,V]`, of the next token, until it is chosen. */
  #logits: tf.Tensor2D | undefined;
  /** The tokens chosen last, which the next step reads. */
  #ids: Int32Array | tf.Tensor1D;
  /** Earlier tokens that no pass has read yet, because the tokens after them were forced. */
  #unread: Int32Array[] = [];
  #passes = 1;
  /** The held rows: tables on the GPU with kernels, rows here without. */
  #held: HeldRow[] | HeldTables | undefined;

  private constructor(model: Transformer, cache: KvCache, B: number, out: tf.Tensor2D) {
    this.#model = model;
    this.#cache = cache;
    this.#logits = out;
    this.#ids = new Int32Array(B).fill(NOT_CHOSEN);
  }

  /**
   * Reads the prompts.
   *
   * @param prompts - B prompts of any lengths
   * @param maxTokens - the maximum number of tokens that follow
   */
  static start(model: Transformer, prompts: readonly Int32Array[], maxTokens: number): Decoding {
    const batch = padPrompts(prompts, model.config.maxPositions);
    const lengths = Int32Array.from(prompts, ({ length }) => length);
    const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
    const cache = new KvCache(model.config, batch.B, roundUp(Math.max(batch.T, longest + maxTokens), LENGTH_BUCKET));
    const lastRows = lengths.map((length, b) => b * batch.T + length - 1);
    const out = tf.tidy(() => logits(model, selectRows(forward(model, batch, cache), lastRows))); // [B,V]
    cache.truncate(lengths);
    return new Decoding(model, cache, batch.B, out);
  }

  /**
   * Holds rows to automata from now on, one per row; {@link draw} then chooses only tokens that their automata
   * allow, and gives log-probabilities among these.
   */
  hold(rows: readonly HeldRow[]): void {
    this.#held = usesGpuKernels() ? uploadHeldRows(rows) : [...rows];
  }

  /** Forward passes so far, including the one over the prompts. */
  get passes(): number {
    return this.#passes;
  }

  /** The number of steps to draw together. */
  static get stepsPerRead(): number {
    return usesGpuKernels() ? STEPS_PER_READ : 1;
  }

  /** The logits of the next token, B*V. GPU -> CPU sync. */
  async nextLogits(): Promise<Float32Array> {
    return this.#step().data<'float32'>();
  }

  /** Appends tokens chosen by the caller, one per row. */
  choose(ids: Int32Array): void {
    if (this.#logits !== undefined) this.#logits.dispose();
    else if (this.#ids instanceof Int32Array) this.#unread.push(this.#ids);
    else this.#step().dispose();
    this.#logits = undefined;
    this.#setIds(ids);
  }

  /** Draws the tokens of `steps` steps. GPU -> CPU sync: one with kernels, one per step without. */
  draw(steps: number, request: DrawRequest): Promise<DrawnTokens> {
    checkSampler(request.sampler);
    return usesGpuKernels() ? this.#drawOnGpu(steps, request) : this.#drawHere(steps, request);
  }

  /**
   * Draws up to `most` tokens of a single row, one after another. With kernels the next few are computed while the
   * caller uses these, so that the GPU does not wait for the caller.
   */
  async *stream(most: number, request: DrawRequest): AsyncGenerator<number, void, void> {
    const isAhead = usesGpuKernels();
    let started = 0;
    const drawNext = (): Promise<DrawnTokens> | undefined => {
      const steps = Math.min(isAhead ? STREAMED_STEPS_PER_READ : 1, most - started);
      const drawn = steps > 0 ? this.draw(steps, { ...request, position: request.position + started }) : undefined;
      started += steps;
      return drawn;
    };
    let pending = drawNext();
    try {
      while (pending !== undefined) {
        const { ids } = await pending;
        pending = isAhead ? drawNext() : undefined;
        yield* Array.from(ids);
        if (!isAhead) pending = drawNext();
      }
    } finally {
      await pending;
    }
  }

  /** Keeps the given rows, in the given order; a row given several times is copied. */
  select(rows: Int32Array): void {
    const wanted = tf.tensor1d(rows, 'int32');
    const held = this.#held;
    if (isOnGpu(held)) this.#held = selectHeldRows(held, wanted);
    else if (held !== undefined) this.#held = [...rows].flatMap((row) => held[row] ?? []);
    this.#cache.select(rows);
    this.#unread = this.#unread.map((ids) => rows.map((row) => ids[row] ?? NOT_CHOSEN));
    const [ids, out] = [this.#ids, this.#logits];
    this.#setIds(ids instanceof Int32Array ? rows.map((row) => ids[row] ?? NOT_CHOSEN) : tf.gather(ids, wanted));
    if (out !== undefined) {
      this.#logits = tf.gather(out, wanted);
      out.dispose();
    }
    wanted.dispose();
  }

  dispose(): void {
    this.#cache.dispose();
    this.#logits?.dispose();
    if (isOnGpu(this.#held)) tf.dispose([this.#held.offsets, this.#held.choices, this.#held.rows]);
    this.#setIds(new Int32Array());
  }

  async #drawOnGpu(steps: number, { sampler, eosId, rowIds, position }: DrawRequest): Promise<DrawnTokens> {
    const { temperature, seed, topK, topP = 1 } = sampler;
    const B = rowIds.length;
    const V = this.#model.config.vocabSize;
    const choice = { temperature, topK: Math.min(topK ?? V, V), topP, eosId };
    const drawn = drawnTokens(steps, B); // [steps,2,B]
    const hashes = tf.tensor1d(
      Int32Array.from(rowIds, (rowId) => fnv1a(`${seed}/${rowId}/`)),
      'int32',
    );
    for (let step = 0; step < steps; step++) {
      const out = this.#step();
      // Written in place, where the next step reads them.
      const ids = this.#ids instanceof Int32Array ? tf.tensor1d(this.#ids, 'int32') : this.#ids;
      this.#ids = ids;
      sampleTokens(
        out,
        { ids, hashes, drawn },
        choice,
        step,
        position + step,
        isOnGpu(this.#held) ? this.#held : undefined,
      );
      out.dispose();
      this.#logits = undefined;
    }
    hashes.dispose();
    const values = await drawn.data<'float32'>();
    drawn.dispose();
    const part = (which: 0 | 1): Float32Array =>
      Float32Array.from({ length: steps * B }, (_, i) => values[(2 * Math.floor(i / B) + which) * B + (i % B)] ?? NaN);
    return { ids: part(0), logProbs: part(1) };
  }

  async #drawHere(steps: number, { sampler, eosId, rowIds, position }: DrawRequest): Promise<DrawnTokens> {
    const B = rowIds.length;
    const drawn = { ids: new Int32Array(steps * B), logProbs: new Float64Array(steps * B) };
    for (let step = 0; step < steps; step++) {
      const allowed = this.#allowedOfRows(eosId);
      // If no row has a choice, the tokens are known without a pass; the next pass reads them with its own tokens.
      const chosen = isForced(allowed)
        ? allowed.map((ids) => ({ id: ids?.[0] ?? eosId, logProb: 0 }))
        : await this.#drawRows(allowed, { sampler, eosId, rowIds, position: position + step });
      for (const [b, { id, logProb }] of chosen.entries()) {
        drawn.ids[step * B + b] = id;
        drawn.logProbs[step * B + b] = logProb;
        this.#advanceRow(b, id);
      }
      this.choose(drawn.ids.slice(step * B, (step + 1) * B));
    }
    return drawn;
  }

  /** Draws a token for each row from those it may take. */
  async #drawRows(
    allowed: readonly (Int32Array | undefined)[],
    { sampler, eosId, rowIds, position }: DrawRequest,
  ): Promise<SampledToken[]> {
    const V = this.#model.config.vocabSize;
    const rows = await this.nextLogits();
    const before = this.#ids;
    return rowIds.map((rowId, b) => {
      if (before instanceof Int32Array && before[b] === eosId) return { id: eosId, logProb: 0 };
      const row = rows.subarray(b * V, (b + 1) * V);
      const own = allowed[b];
      return own === undefined
        ? sampleToken(row, sampler, rowId, position)
        : sampleAllowed(row, own, sampler, rowId, position);
    });
  }

  /**
   * The tokens each row may take next; undefined for a row that is not held, the end token for a row that has ended.
   */
  #allowedOfRows(eosId: number): (Int32Array | undefined)[] {
    const { length } = this.#ids instanceof Int32Array ? this.#ids : [];
    const [before, held] = [this.#ids, this.#held];
    return Array.from({ length }, (_, b) => {
      if (before instanceof Int32Array && before[b] === eosId) return Int32Array.of(eosId);
      const row = isOnGpu(held) ? undefined : held?.[b];
      return row === undefined ? undefined : allowedTokens(row);
    });
  }

  /** Advances a row in its automaton, if it has one. */
  #advanceRow(b: number, id: number): void {
    const held = this.#held;
    if (held === undefined || isOnGpu(held)) return;
    const row = held[b];
    if (row !== undefined) held[b] = advanced(row, id) ?? row;
  }

  /** The logits of the next token, computed if necessary. */
  #step(): tf.Tensor2D {
    if (this.#logits !== undefined) return this.#logits;
    const ids = this.#ids;
    const B = ids instanceof Int32Array ? ids.length : ids.size;
    const steps = [...this.#unread, ...(ids instanceof Int32Array ? [ids] : [])];
    this.#unread = [];
    if (steps.length > 1 && this.#cache.isRagged) {
      for (const before of steps.splice(0, steps.length - 1)) this.#pass({ B, T: 1, ids: before }).dispose();
    }
    const T = Math.max(1, steps.length);
    const tokens = ids instanceof Int32Array ? interleaved(steps) : ids;
    this.#logits = tf.tidy(() => {
      const hidden = this.#pass({ B, T, ids: tokens }); // [B*T,C]
      const last =
        T === 1
          ? hidden
          : selectRows(
              hidden,
              Int32Array.from({ length: B }, (_, b) => (b + 1) * T - 1),
            );
      return logits(this.#model, last);
    });
    return this.#logits;
  }

  #pass(batch: TokenBatch<Int32Array | tf.Tensor1D>): tf.Tensor2D {
    this.#passes += 1;
    return tf.tidy(() => forward(this.#model, batch, this.#cache));
  }

  #setIds(ids: Int32Array | tf.Tensor1D): void {
    if (!(this.#ids instanceof Int32Array)) this.#ids.dispose();
    this.#ids = ids;
  }
}

function isOnGpu(held: HeldRow[] | HeldTables | undefined): held is HeldTables {
  return held !== undefined && 'choices' in held;
}

/** Whether every row may take only one token. */
function isForced(allowed: readonly (Int32Array | undefined)[]): boolean {
  return allowed.every((ids) => ids?.length === 1);
}

/** Tokens of some steps, row after row. */
function interleaved(steps: readonly Int32Array[]): Int32Array {
  const B = steps[0]?.length ?? 0;
  return Int32Array.from({ length: B * steps.length }, (_, n) => {
    return steps[n % steps.length]?.[Math.floor(n / steps.length)] ?? NOT_CHOSEN;
  });
}

/** Marks a row without a chosen token. */
const NOT_CHOSEN = -2;
