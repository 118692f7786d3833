/**
 * How completions are decoded: freely, held to the grammar, or held to the grammar with evidence that is in the pair
 * (infer/held says what each allows).
 */
import * as v from 'valibot';
import { setting } from './settings.ts';

export const DECODINGS = ['free', 'grammar', 'grounded'] as const;
export type DecodingKind = (typeof DECODINGS)[number];

/** Absent in settings of before completions could be held. */
export const DecodingSchema = setting(
  v.picklist(DECODINGS),
  'free',
  'Decoding',
  'Of rollouts: free, held to the grammar, or held to the grammar with evidence that is in the pair.',
  { group: 'Rollouts' },
);
