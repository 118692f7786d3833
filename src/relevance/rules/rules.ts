/**
 * The rules of a model that has none: it learned labels from people who gave no reasons. It writes no steps, and a step
 * that it writes nevertheless is found wrong.
 */
import type { Instruction } from './instruction.ts';
import type { TextFolding } from '../pair/folding.ts';
import { type Lexicon, makeLexicon } from '../pair/lexicon.ts';

/** What reasoning is checked by. */
export interface Rules {
  readonly instruction: Instruction;
  readonly lexicon: Lexicon;
  /** The indices of rare rules. */
  readonly tailRules: ReadonlySet<number>;
  /** Whether titles are read for what fields leave out (typed-document.ts). */
  readonly readsTitles: boolean;
}

/** No rules, on a scale of R = `scaleSize` labels. @param folding - of the model that has none */
export function noRules(scaleSize: number, folding: TextFolding): Rules {
  return {
    instruction: { name: 'no rules', version: 0, scaleSize, rules: [] },
    lexicon: makeLexicon({ brands: [], types: {}, attributes: {}, audiences: [] }, folding),
    tailRules: new Set(),
    readsTitles: false,
  };
}
