/**
 * How models are stored and kept: the choices of the command line, which names them without the engine.
 */

/** How the weights of a trained model are stored. */
export const STORED_DTYPES = ['f32', 'f16'] as const;
export type StoredDtype = (typeof STORED_DTYPES)[number];

/** How matrices are kept while answering. */
export const PRECISIONS = ['f32', 'f16', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];
