/**
 * A sentence encoder: BERT (arXiv 1810.04805; LayerNorm after each sum, GELU, learned positions, attention in both
 * directions), the mean over all tokens, scaled to length 1, as sentence-transformers does. It is read from a Hugging
 * Face folder and used for inference only.
 *
 * Texts are sorted by length and computed in batches of nearly equal length, so that little is padded; a mask keeps
 * padding out of sight.
 *
 * Room `encoder/`: texts to vectors on a backend. What vectors are used for is in `relevance/prompt` and `vectors/`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors, type SafetensorsFile } from '../checkpoint/safetensors.ts';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { type EncoderConfig, fromBertConfig } from '../config/encoder-config.ts';
import { WordPieces } from '../data/tokenizer/word-pieces.ts';
import { usesKernels } from '../gpu/dispatch.ts';
import { attention, visibilityMask } from '../ops/attention.ts';
import { gelu, layerNorm } from '../ops/layer-norm.ts';
import { linear } from '../ops/linear.ts';

/** The files of an encoder's folder. */
export const ENCODER_FILES = ['config.json', 'tokenizer.json', 'model.safetensors'] as const;
export type EncoderFileName = (typeof ENCODER_FILES)[number];

/** More tokens of a text are cut, as all-MiniLM-L6-v2 does. */
const MOST_TOKENS = 256;
/** Tokens of a batch, padding included. */
const BATCH_TOKENS = 2048;

/** An encoder on the current backend. */
export class SentenceEncoder {
  readonly config: EncoderConfig;
  readonly tokenizer: WordPieces;
  readonly #weights: ReadonlyMap<string, tf.Tensor>;

  private constructor(config: EncoderConfig, tokenizer: WordPieces, weights: ReadonlyMap<string, tf.Tensor>) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.#weights = weights;
  }

  /**
   * Loads an encoder onto the current backend.
   *
   * @param files - by name
   * @throws {LabError} `bad-config`, `bad-tokenizer`, `bad-file`; `bad-checkpoint` if a weight is missing, misshapen or
   *   not finite
   */
  static load(files: ReadonlyMap<EncoderFileName, Uint8Array>): SentenceEncoder {
    const json = (name: EncoderFileName): unknown => JSON.parse(new TextDecoder().decode(files.get(name)));
    const config = fromBertConfig(json('config.json'));
    const tokenizer = WordPieces.fromJson(json('tokenizer.json'));
    if (tokenizer.pieces.length > config.vocabSize) {
      throw new LabError('bad-config', {
        message: 'tokenizer.json of the encoder does not fit its config.json.',
        expected: `at most ${config.vocabSize} pieces`,
        got: String(tokenizer.pieces.length),
        fix: 'Take all files from one checkpoint.',
      });
    }
    const file = readSafetensors(
      files.get('model.safetensors') ?? new Uint8Array(),
      'model.safetensors of the encoder',
    );
    const shapes = weightShapes(config);
    const data = new Map([...shapes].map(([name, shape]) => [name, floatsOf(file, name, shape)] as const));
    // All are checked before the first tensor is made.
    return new SentenceEncoder(
      config,
      tokenizer,
      new Map([...shapes].map(([name, shape]) => [name, upload(name, shape, data.get(name) ?? new Float32Array())])),
    );
  }

  /**
   * The vectors of texts, each of length 1; cosines are their products.
   *
   * @returns `[C]` for each text, in their order
   * @throws {LabError} `aborted`; `not-finite`
   */
  async encode(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    const most = Math.min(MOST_TOKENS, this.config.maxPositions);
    return this.encodeIds(
      texts.map((text) => this.tokenizer.encode(text, most)),
      signal,
    );
  }

  /** The vectors of sequences of ids, begin and end included. @throws {LabError} as {@link encode} */
  async encodeIds(sequences: readonly Int32Array[], signal?: AbortSignal): Promise<Float32Array[]> {
    const { width } = this.config;
    const vectors = sequences.map(() => new Float32Array(width));
    for (const batch of batchesOf(sequences)) {
      throwIfAborted(signal);
      const rows = tf.tidy(() => this.#pooled(batch.map((i) => sequences[i] ?? new Int32Array())));
      const found = await rows.data<'float32'>();
      rows.dispose();
      for (const [place, i] of batch.entries()) {
        vectors[i]?.set(found.subarray(place * width, (place + 1) * width));
      }
    }
    if (vectors.every((vector) => Number.isFinite(vector[0]))) return vectors;
    throw new LabError('not-finite', { message: 'The encoder gives vectors that are not numbers.' });
  }

  dispose(): void {
    tf.dispose([...this.#weights.values()]);
  }

  /** [B,C] the normalised means of some sequences. */
  #pooled(sequences: readonly Int32Array[]): tf.Tensor2D {
    const { width: C, layers } = this.config;
    const [B, T] = [sequences.length, sequences.reduce((most, { length }) => Math.max(most, length), 0)];
    const ids = new Int32Array(B * T);
    const shares = new Float32Array(B * T);
    for (const [b, sequence] of sequences.entries()) {
      ids.set(sequence, b * T);
      shares.fill(1 / sequence.length, b * T, b * T + sequence.length);
    }
    const isPadded = sequences.some(({ length }) => length < T);
    const mask = isPadded ? keyMask(sequences, T) : tf.zeros<tf.Rank.R2>([1, 1]);
    let x = this.#embedded(ids, B, T);
    for (let layer = 0; layer < layers; layer++) x = tf.tidy(() => this.#layer(layer, x, B, T, mask));
    const ofRows = tf.mul(tf.reshape(x, [B, T, C]), tf.tensor3d(shares, [B, T, 1])); // [N,C] -> [B,T,C]
    const mean = tf.sum<tf.Tensor2D>(ofRows, 1); // [B,T,C] -> [B,C]
    return tf.div(mean, tf.maximum(tf.norm(mean, 2, -1, true), 1e-12));
  }

  /** [N,C] the sum of the embeddings of pieces, positions and the first kind of segment, normalised. */
  #embedded(ids: Int32Array, B: number, T: number): tf.Tensor2D {
    const name = 'embeddings';
    const C = this.config.width;
    const pieces = tf.gather(this.#matrix(`${name}.word_embeddings.weight`), tf.tensor1d(ids, 'int32')); // [N,C]
    const places = tf.slice(this.#matrix(`${name}.position_embeddings.weight`), [0, 0], [T, C]); // [T,C]
    const kind = tf.slice(this.#matrix(`${name}.token_type_embeddings.weight`), [0, 0], [1, C]); // [1,C]
    const sum = tf.add(tf.reshape(pieces, [B, T, C]), tf.add(places, kind)); // [B,T,C]
    return this.#norm(tf.reshape(sum, [B * T, C]), `${name}.LayerNorm`);
  }

  #layer(layer: number, x: tf.Tensor2D, B: number, T: number, mask: tf.Tensor2D | tf.Tensor3D): tf.Tensor2D {
    const { width: C, heads: H } = this.config;
    const name = `encoder.layer.${layer}`;
    const project = (which: string): tf.Tensor4D => {
      const rows = this.#linear(x, `${name}.attention.self.${which}`); // [N,C]
      return tf.transpose(tf.reshape(rows, [B, T, H, C / H]), [0, 2, 1, 3]); // [N,C] -> [B,H,T,D]
    };
    const mixed = attention(project('query'), project('key'), project('value'), mask); // [B,H,T,D]
    const rows: tf.Tensor2D = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * T, C]); // [B,H,T,D] -> [N,C]
    const attended = this.#norm(
      tf.add(x, this.#linear(rows, `${name}.attention.output.dense`)),
      `${name}.attention.output.LayerNorm`,
    );
    const hidden = gelu(this.#linear(attended, `${name}.intermediate.dense`)); // [N,C] -> [N,F]
    return this.#norm(tf.add(attended, this.#linear(hidden, `${name}.output.dense`)), `${name}.output.LayerNorm`);
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    return layerNorm(x, this.#vector(`${name}.weight`), this.#vector(`${name}.bias`), this.config.normEps);
  }

  #linear(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const [weight, bias] = [this.#matrix(`${name}.weight`), this.#vector(`${name}.bias`)];
    if (!isTurned()) return linear(x, weight, { bias }); // [N,I] -> [N,O]
    return tf.fused.matMul({ a: x, b: weight, bias }) as tf.Tensor2D;
  }

  #matrix(name: string): tf.Tensor2D {
    return this.#weight(name) as tf.Tensor2D;
  }

  #vector(name: string): tf.Tensor1D {
    return this.#weight(name) as tf.Tensor1D;
  }

  #weight(name: string): tf.Tensor {
    const tensor = this.#weights.get(name);
    if (tensor === undefined) throw new LabError('internal', { message: `The encoder has no weight named ${name}.` });
    return tensor;
  }
}

/** Without kernels matrices are kept as `[in, out]`, because tfjs's products would turn them for each batch. */
function isTurned(): boolean {
  return !usesKernels();
}

/** Indices of sequences, sorted by length and cut into batches. */
function batchesOf(sequences: readonly Int32Array[]): number[][] {
  const lengthOf = (i: number): number => sequences[i]?.length ?? 0;
  const sorted = [...sequences.keys()].toSorted((a, b) => lengthOf(a) - lengthOf(b));
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const i of sorted) {
    if (batch.length > 0 && (batch.length + 1) * lengthOf(i) > BATCH_TOKENS) {
      batches.push(batch);
      batch = [];
    }
    batch.push(i);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** [B,T,T] hides padding from all tokens. */
function keyMask(sequences: readonly Int32Array[], T: number): tf.Tensor3D {
  const isVisible = new Uint8Array(sequences.length * T * T);
  for (const [b, { length }] of sequences.entries()) {
    for (let t = 0; t < T; t++) isVisible.fill(1, (b * T + t) * T, (b * T + t) * T + length);
  }
  return visibilityMask(isVisible, [sequences.length, T, T]);
}

/** The weights that an encoder uses, by their names in checkpoints. Others, such as those of a pooler, are ignored. */
function weightShapes(config: EncoderConfig): ReadonlyMap<string, readonly number[]> {
  const { vocabSize, width: C, layers, hidden: F, maxPositions, segmentTypes } = config;
  const shapes = new Map<string, readonly number[]>([
    ['embeddings.word_embeddings.weight', [vocabSize, C]],
    ['embeddings.position_embeddings.weight', [maxPositions, C]],
    ['embeddings.token_type_embeddings.weight', [segmentTypes, C]],
  ]);
  const norm = (name: string): void => void shapes.set(`${name}.weight`, [C]).set(`${name}.bias`, [C]);
  const dense = (name: string, O: number, I: number): void =>
    void shapes.set(`${name}.weight`, [O, I]).set(`${name}.bias`, [O]);
  norm('embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    for (const which of ['query', 'key', 'value']) dense(`${name}.attention.self.${which}`, C, C);
    dense(`${name}.attention.output.dense`, C, C);
    norm(`${name}.attention.output.LayerNorm`);
    dense(`${name}.intermediate.dense`, F, C);
    dense(`${name}.output.dense`, C, F);
    norm(`${name}.output.LayerNorm`);
  }
  return shapes;
}

/** The values of a weight. Checkpoints of models with a head have the prefix `bert.`. */
function floatsOf({ tensors }: SafetensorsFile, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name) ?? tensors.get(`bert.${name}`);
  const fail = (got: string): LabError =>
    new LabError('bad-checkpoint', {
      message: `The weight ${name} of the encoder is not usable.`,
      expected: `finite numbers of shape [${shape.join(', ')}]`,
      got,
      fix: 'Take config.json and model.safetensors from one BERT checkpoint.',
    });
  if (tensor === undefined) throw fail('none');
  if (tensor.shape.join() !== shape.join()) throw fail(`[${tensor.shape.join(', ')}]`);
  const floats = tensor.toFloat32();
  if (!floats.every(Number.isFinite)) throw fail('NaN or infinity');
  return floats;
}

function upload(name: string, shape: readonly number[], data: Float32Array): tf.Tensor {
  const isMap = shape.length === 2 && !name.startsWith('embeddings.');
  if (!isMap || !isTurned()) return tf.tensor(data, [...shape], 'float32');
  return tf.tidy(() => tf.transpose(tf.tensor2d(data, shape as [number, number])));
}
