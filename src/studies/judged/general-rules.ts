/**
 * The rules of the general model, refined (PIAR) on the training queries of all sets together, on the scale of its
 * answers. They ask for words in common, phrases and numbers only, because they must apply to files of any kind: what
 * one shop's words mean says nothing about another's.
 */
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { runPiar } from '../../relevance/piar/piar.ts';
import type { Condition } from '../../relevance/rules/instruction.ts';
import { execute } from '../../relevance/rules/execute.ts';
import { noRules, type Rules } from '../../relevance/rules/rules.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { synthesiseTraces } from '../../relevance/rules/trace-synthesis.ts';
import { mapLabel } from '../../relevance/metrics/label-report.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { currentFolding } from '../../relevance/pair/text-folding.ts';
import { TAIL_SHARE } from '../../relevance/world/rule-world.ts';
import type { GeneralPart } from './general-recipe.ts';

/** The most rounds of refinement. */
const ROUNDS = 12;

/** Kinds of conditions that need no lexicon and name no word of the data. */
const GENERAL_KINDS: ReadonlySet<Condition['kind']> = new Set(['overlap', 'phrase', 'query-length', 'quantity']);

/**
 * The rules that explain the labels of some parts on a scale of R = `scaleSize` labels.
 *
 * @throws {LabError} `aborted`
 */
export async function refineGeneral(
  parts: readonly GeneralPart[],
  scaleSize: number,
  signal: AbortSignal,
): Promise<Rules> {
  const rules = noRules(scaleSize, currentFolding());
  const { lexicon } = rules;
  const seen = new Set<string>();
  /** The pairs of one part of every set; a query that an earlier part has in another set is left out. */
  const pooled = (of: 'train' | 'dev' | 'test'): JudgedPair[] => {
    const pairs = parts.flatMap(({ set, [of]: found }) => found.map((pair) => onScaleOf(pair, set, scaleSize)));
    const fresh = pairs.filter(({ query }) => !seen.has(lexicon.folding.fold(query)));
    for (const { query } of fresh) seen.add(lexicon.folding.fold(query));
    return fresh;
  };
  const [train, dev] = [pooled('train'), pooled('dev')];
  const refiner = greedyRefiner({ isAllowed: isGeneral });
  const data = { train, dev, test: () => pooled('test'), lexicon };
  const { last } = await runPiar(data, startInstruction(scaleSize), refiner, { rounds: ROUNDS, signal });

  const deciding = new Set(
    train.flatMap((pair) => execute(last.instruction, lexicon, pair).findings.map(({ rule }) => rule)),
  );
  const { instruction } = last;
  const kept = {
    ...instruction,
    name: 'General',
    rules: instruction.rules.filter((_, index) => deciding.has(index)),
  };
  const { traced } = synthesiseTraces(kept, lexicon, train);
  const isRare = (rule: number): boolean =>
    traced.filter(({ trace }) => trace.steps.some((step) => step.rule === rule)).length < TAIL_SHARE * traced.length;
  return { ...rules, instruction: kept, tailRules: new Set([...kept.rules.keys()].filter(isRare)) };
}

/** Whether a condition applies to files of any kind. */
function isGeneral(when: Condition): boolean {
  return GENERAL_KINDS.has(when.kind) && !('of' in when && when.of !== undefined);
}

/** A pair on another scale; its query is distinguished from those of other sets. */
function onScaleOf(pair: JudgedPair, { id, scaleSize }: GeneralPart['set'], to: number): JudgedPair {
  return { ...pair, queryId: `${id} ${pair.queryId}`, label: mapLabel(pair.label, scaleSize, to) };
}
