/**
 * The precisions in which models are stored and loaded. They are here so that the command line lists them without the
 * engine.
 */

/** How the weights of a trained model are stored. */
export const STORED_DTYPES = ['f32', 'f16'] as const;
export type StoredDtype = (typeof STORED_DTYPES)[number];

/** The precision of matrices in memory while answering. */
export const PRECISIONS = ['f32', 'f16', 'int8', 'int4'] as const;
export type Precision = (typeof PRECISIONS)[number];
