/**
 * Custom rules for judged pairs: an instruction, written by hand or refined by PIAR, with its lexicon. The settings of
 * a run contain them in full, so that a checkpoint depends on no other file.
 *
 * They read documents as PIAR does: where fields lack the type or what a product is for, the title supplies it.
 */
import * as v from 'valibot';
import { messageOf } from '../../common/errors.ts';
import { type Instruction, parseInstruction } from './instruction.ts';
import { type Lexicon, lexiconSchema, makeLexicon } from '../pair/lexicon.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Rules } from './rules.ts';

/** The schema of custom rules in settings. */
export const ownRulesSchema = v.strictObject({
  /** Validated by the instruction's parser, which names the invalid rule. */
  instruction: v.pipe(
    v.unknown(),
    v.rawTransform<unknown, Instruction>(({ dataset, addIssue, NEVER }) => {
      try {
        return parseInstruction(dataset.value);
      } catch (error) {
        addIssue({ message: messageOf(error) });
        return NEVER;
      }
    }),
  ),
  lexicon: lexiconSchema,
  /** The indices of rare rules. */
  tailRules: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), []),
});
export type OwnRules = v.InferOutput<typeof ownRulesSchema>;

/** Custom rules, ready for execution. @param folding - of the model that uses them */
export function rulesOf({ instruction, lexicon, tailRules }: OwnRules, folding: TextFolding): Rules {
  return { instruction, lexicon: makeLexicon(lexicon, folding), tailRules: new Set(tailRules), readsTitles: true };
}

/** Rules as settings contain them. */
export function toOwnRules(
  instruction: Instruction,
  { data }: Pick<Lexicon, 'data'>,
  tailRules: readonly number[] = [],
): OwnRules {
  return { instruction, lexicon: structuredClone(data) as OwnRules['lexicon'], tailRules: [...tailRules] };
}
