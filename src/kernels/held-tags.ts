/**
 * The tags of choices in an automaton that rows are held to: how a choice reads and changes what a row remembers besides its
 * state. Known to the sampler on the GPU and to that on the CPU (infer/held).
 */

/** A choice that needs and changes nothing. */
export const TAG_PLAIN = 0;
/** Citing rule r has the tag `TAG_RULE + r`; a row takes it once. */
export const TAG_RULE = 1;
/** The first label, which a row remembers. */
export const TAG_LABEL = 62;
/** A label that must be the remembered one. */
export const TAG_RESTATED = 63;
