/**
 * The rules of a model. A model that learned from labels without reasons has {@link noRules}: it should write no steps,
 * and any step it writes is found wrong.
 */
import type { Instruction } from './instruction.ts';
import type { TextFolding } from '../pair/folding.ts';
import { type Lexicon, makeLexicon } from '../pair/lexicon.ts';

/** The rules that reasoning is checked against. */
export interface Rules {
  readonly instruction: Instruction;
  readonly lexicon: Lexicon;
  /** The indices of rare rules. */
  readonly tailRules: ReadonlySet<number>;
  /** Whether titles fill missing fields (typed-document.ts). */
  readonly readsTitles: boolean;
}

/** An instruction without rules, for R = `scaleSize` labels. */
export function noInstruction(scaleSize: number): Instruction {
  return { name: 'no rules', version: 0, scaleSize, rules: [] };
}

/** No rules, on a scale of R = `scaleSize` labels. @param folding - of the model without rules */
export function noRules(scaleSize: number, folding: TextFolding): Rules {
  return {
    instruction: noInstruction(scaleSize),
    lexicon: makeLexicon({ brands: [], types: {}, attributes: {}, audiences: [] }, folding),
    tailRules: new Set(),
    readsTitles: false,
  };
}
