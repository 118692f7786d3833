/**
 * Rules of one's own beside judged pairs: an instruction, written by hand or refined by PIAR, with the words it knows. They
 * stand in the settings of a run as a whole, so that a checkpoint needs no other file to be understood.
 *
 * Documents are read by them as PIAR reads them: a title tells the type and what a thing is for where no field does.
 */
import * as v from 'valibot';
import { messageOf } from '../../common/errors.ts';
import { type Instruction, parseInstruction } from './instruction.ts';
import { lexiconSchema, makeLexicon } from '../pair/lexicon.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Rules } from './rules.ts';

/** The schema of own rules in settings. */
export const ownRulesSchema = v.strictObject({
  /** Checked by the instruction's own parser, which names the rule that is wrong. */
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

/** Own rules, ready to be executed. @param folding - of the model that they are for */
export function rulesOf({ instruction, lexicon, tailRules }: OwnRules, folding: TextFolding): Rules {
  return { instruction, lexicon: makeLexicon(lexicon, folding), tailRules: new Set(tailRules), readsTitles: true };
}
