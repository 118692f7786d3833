/**
 * The shape of a sentence encoder, read from the `config.json` of a BERT checkpoint.
 */
import * as v from 'valibot';
import { parseConfig } from './parse.ts';
import { numberAbove, wholeNumber } from './settings.ts';

const size = wholeNumber(1, 2 ** 24);

const BertConfigSchema = v.pipe(
  v.object({
    model_type: v.literal('bert'),
    vocab_size: size,
    hidden_size: size,
    num_hidden_layers: wholeNumber(1, 4096),
    num_attention_heads: size,
    intermediate_size: size,
    max_position_embeddings: size,
    type_vocab_size: size,
    layer_norm_eps: v.optional(numberAbove(0, 1), 1e-12),
    hidden_act: v.optional(v.literal('gelu'), 'gelu'),
    position_embedding_type: v.optional(v.literal('absolute'), 'absolute'),
  }),
  v.check((bert) => bert.hidden_size % bert.num_attention_heads === 0, 'hidden_size must be a multiple of the heads'),
);

/** The shape of a BERT encoder; every field is a count unless its comment says otherwise. */
export interface EncoderConfig {
  readonly vocabSize: number;
  /** C */
  readonly width: number;
  /** L */
  readonly layers: number;
  /** H; the head dim is C / H. */
  readonly heads: number;
  /** F, of the feed-forward part */
  readonly hidden: number;
  readonly maxPositions: number;
  /** Kinds of segments; the lab uses the first. */
  readonly segmentTypes: number;
  /** Added to variances. */
  readonly normEps: number;
}

/**
 * Reads a Hugging Face `config.json`.
 *
 * @throws {LabError} `bad-config` for another architecture, another activation or relative positions
 */
export function fromBertConfig(json: unknown): EncoderConfig {
  const bert = parseConfig('config.json of the encoder', BertConfigSchema, json);
  return {
    vocabSize: bert.vocab_size,
    width: bert.hidden_size,
    layers: bert.num_hidden_layers,
    heads: bert.num_attention_heads,
    hidden: bert.intermediate_size,
    maxPositions: bert.max_position_embeddings,
    segmentTypes: bert.type_vocab_size,
    normEps: bert.layer_norm_eps,
  };
}
