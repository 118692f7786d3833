/**
 * How completions are decoded: freely, held to the grammar, or held to the grammar with evidence that is in the pair.
 * `infer/held` implements this constrained decoding.
 */
import * as v from 'valibot';
import { setting } from './settings.ts';

export const DECODINGS = ['free', 'grammar', 'grounded'] as const;
export type DecodingKind = (typeof DECODINGS)[number];

/** The default decoding of answers: free for a model without rules, because it writes no evidence. */
export function defaultDecoding(instruction: { readonly rules: readonly unknown[] }): DecodingKind {
  return instruction.rules.length > 0 ? 'grounded' : 'free';
}

/** Older settings lack it. */
export const DecodingSchema = setting(
  v.picklist(DECODINGS),
  'free',
  'Decoding',
  'Of rollouts: free, held to the grammar, or held to the grammar with evidence that is in the pair.',
  { group: 'Rollouts' },
);
