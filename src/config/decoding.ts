/**
 * How completions are decoded: freely, held to the grammar, or held to the grammar with evidence that is in the pair
 * (infer/held says what each allows).
 */
import * as v from 'valibot';
import { setting } from './settings.ts';

export const DECODINGS = ['free', 'grammar', 'grounded'] as const;
export type DecodingKind = (typeof DECODINGS)[number];

/** How a model answers where nobody says: one without rules has nothing to be held to. */
export function usualDecoding(instruction: { readonly rules: readonly unknown[] }): DecodingKind {
  return instruction.rules.length > 0 ? 'grounded' : 'free';
}

/** Absent in settings of before completions could be held. */
export const DecodingSchema = setting(
  v.picklist(DECODINGS),
  'free',
  'Decoding',
  'Of rollouts: free, held to the grammar, or held to the grammar with evidence that is in the pair.',
  { group: 'Rollouts' },
);
