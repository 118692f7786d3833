/**
 * The storage types of GGUF tensors that the lab reads. All but the float types store a row as blocks of 32 or 256
 * weights, each block with scales of its own; how blocks become floats is in gguf-blocks.ts. The layouts are those of
 * ggml (https://github.com/ggml-org/ggml, ggml-common.h and ggml-quants.c).
 */

/** Id in files, weights per block, bytes per block. */
export const GGML_TYPES = {
  F32: { id: 0, weights: 1, bytes: 4 },
  F16: { id: 1, weights: 1, bytes: 2 },
  BF16: { id: 30, weights: 1, bytes: 2 },
  Q8_0: { id: 8, weights: 32, bytes: 34 },
  Q4_0: { id: 2, weights: 32, bytes: 18 },
  Q4_1: { id: 3, weights: 32, bytes: 20 },
  // Programs fall back to Q5_0 and Q5_1 in Q4_K and Q5_K files where 256 does not divide a row.
  Q5_0: { id: 6, weights: 32, bytes: 22 },
  Q5_1: { id: 7, weights: 32, bytes: 24 },
  Q4_K: { id: 12, weights: 256, bytes: 144 },
  Q5_K: { id: 13, weights: 256, bytes: 176 },
  Q6_K: { id: 14, weights: 256, bytes: 210 },
} as const;

/** A type of tensor that the lab reads. */
export type GgmlType = keyof typeof GGML_TYPES;

export const GGML_TYPE_NAMES = Object.keys(GGML_TYPES) as readonly GgmlType[];

const TYPES_BY_ID: ReadonlyMap<number, GgmlType> = new Map(
  GGML_TYPE_NAMES.map((name) => [GGML_TYPES[name].id, name] as const),
);

/** Types that are only named, so that a refusal says what a tensor is. */
const OTHER_NAMES: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [24, 'I8'],
  [25, 'I16'],
  [26, 'I32'],
  [27, 'I64'],
  [28, 'F64'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
]);

/** The type of an id; undefined if the lab does not read it. */
export function ggmlTypeOf(id: number): GgmlType | undefined {
  return TYPES_BY_ID.get(id);
}

/** The name of an id, for errors. */
export function ggmlTypeName(id: number): string {
  return TYPES_BY_ID.get(id) ?? OTHER_NAMES.get(id) ?? `ggml type ${id}`;
}

/** The bytes of a number of weights, which is a multiple of the block of the type. */
export function ggmlBytes(type: GgmlType, count: number): number {
  return (count / GGML_TYPES[type].weights) * GGML_TYPES[type].bytes;
}
