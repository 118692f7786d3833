/**
 * Tags of the choices in an automaton that constrains decoding: how a choice reads and changes a row's memory in
 * addition to its state. Used by the sampler on the GPU and by the one on the CPU (infer/held).
 */

/** A choice without a condition or effect. */
export const TAG_PLAIN = 0;
/** Citing rule r has the tag `TAG_RULE + r` and is allowed once per row. */
export const TAG_RULE = 1;
/** The first label, which a row stores. */
export const TAG_LABEL = 62;
/** A label that must equal the stored one. */
export const TAG_RESTATED = 63;
