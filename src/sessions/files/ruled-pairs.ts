/**
 * Rules on the graded pairs of a file: finding some by refinement, as `lab piar` does with its defaults, and counting
 * what each rule decides and gets wrong.
 */
import { yieldToMessages } from '../../common/yield.ts';
import { normaliseQuery } from '../../data/splits.ts';
import type { Finding, RuleLine, RulesProgress, ShownRules } from '../../protocol/file-rules.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { type PiarRound, runPiar } from '../../relevance/piar/piar.ts';
import { labelMapping } from '../../relevance/metrics/label-report.ts';
import { currentFolding } from '../../relevance/pair/text-folding.ts';
import { type LabelScale, makeScale, scaleOfSize } from '../../relevance/pair/labels.ts';
import { type LexiconData, makeLexicon } from '../../relevance/pair/lexicon.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { deciders, type FiringTable, predict, readTable } from '../../relevance/rules/firing-table.ts';
import { type Instruction, instructionHash } from '../../relevance/rules/instruction.ts';
import { type OwnRules, toOwnRules } from '../../relevance/rules/own-rules.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { typeDocument } from '../../relevance/rules/typed-document.ts';
import { splitForPiar } from '../../runs/piar-split.ts';
import { gradeScaleOf } from '../../runs/score/score-rows.ts';
import { gradesOf, type OpenFile, scoringOf } from './open-file.ts';

/** The seed of the split that `lab piar` has by default, so that both find the same rules. */
const SEED = 1;

/** The graded pairs of a file, on one scale. */
export interface JudgedPairs {
  readonly pairs: readonly JudgedPair[];
  readonly scale: LabelScale;
}

/** The graded pairs of an open file, corrections included; none where its grades are on no scale that the lab knows. */
export function judgedPairsOf({ rows, scores, record, data }: OpenFile): JudgedPairs {
  const scoring = scoringOf(record);
  const isScored = scores !== undefined && scoring !== null;
  const found = rows === undefined ? undefined : gradeScaleOf({ grades: rows.gradeCounts }, gradesOf({ record, data }));
  const scale = isScored ? makeScale(scoring.gradeNames) : scaleOfSize(found?.size ?? 2);
  const labels = isScored ? scores.grades() : rows?.golds(scale);
  const pairs = (rows?.rows ?? []).flatMap(({ pair }, place): JudgedPair[] => {
    const label = labels?.[place] ?? -1;
    return label < 0 ? [] : [{ ...pair, label }];
  });
  return { pairs, scale };
}

/** How many pairs and different queries there are. */
export function partOf(pairs: readonly JudgedPair[]): RulesProgress['propose'] {
  return { pairs: pairs.length, queries: new Set(pairs.map(({ query }) => normaliseQuery(query))).size };
}

/**
 * Finds rules in graded pairs. The queries to report on are read once, after the last round.
 *
 * @param name - of the rules
 * @throws {LabError} `bad-config` for fewer than three queries; `aborted`
 */
export async function findRules(
  { pairs, scale }: JudgedPairs,
  name: string,
  signal: AbortSignal,
  onProgress: (progress: RulesProgress) => void,
): Promise<{ readonly rules: OwnRules; readonly finding: Finding }> {
  const split = splitForPiar(pairs, SEED);
  const parts = { propose: partOf(split.train), accept: partOf(split.dev), report: partOf(split.test) };
  onProgress({ ...parts, round: null });
  await yieldToMessages();
  const start = { ...startInstruction(scale.size), name };
  const history = await runPiar({ ...split, test: () => split.test }, start, greedyRefiner(), {
    signal,
    onRound: (round) => onProgress({ ...parts, round: describeRound(round) }),
  });
  const { instruction, hash } = history.last;
  const { first, last } = history.test;
  const often = mostFrequent(split.train, scale.size);
  return {
    rules: toOwnRules(instruction, split.lexicon),
    finding: {
      seed: SEED,
      ...parts,
      rounds: history.rounds.length,
      reported: [...new Set(split.test.map(({ query }) => normaliseQuery(query)))],
      before: Math.round(first.accuracy * first.pairs),
      after: Math.round(last.accuracy * last.pairs),
      majority: split.test.filter(({ label }) => label === often).length,
      hash,
    },
  };
}

function describeRound({ round, rules, train, dev, proposals }: PiarRound): RulesProgress['round'] {
  return {
    round,
    rules,
    propose: train.accuracy,
    accept: dev.accuracy,
    tried: proposals.length,
    kept: proposals.filter(({ accepted }) => accepted).length,
  };
}

function mostFrequent(pairs: readonly JudgedPair[], size: number): number {
  const counts = new Uint32Array(size);
  for (const { label } of pairs) counts[label] = (counts[label] ?? 0) + 1;
  return counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0));
}

/** What rules decide and get wrong. */
export interface Measured {
  /** Of each rule in turn. */
  readonly lines: readonly NonNullable<RuleLine['measured']>[];
  readonly all: NonNullable<ShownRules['measured']>;
  /** On the queries to report on. */
  readonly report: { readonly pairs: number; readonly right: number };
}

/** Measures rules with one lexicon on graded pairs; what was read of them serves the next measurement. */
export class RulesMeasure {
  readonly #judged: JudgedPairs;
  readonly #lexicon: LexiconData;
  #table: FiringTable | undefined;

  constructor(judged: JudgedPairs, lexicon: LexiconData) {
    this.#judged = judged;
    this.#lexicon = lexicon;
  }

  /** Whether it measures on these pairs and words. */
  fits({ pairs, scale }: JudgedPairs, lexicon: LexiconData): boolean {
    const mine = this.#judged;
    return (
      scale.size === mine.scale.size &&
      pairs.length === mine.pairs.length &&
      pairs.every(({ document, query, label }, i) => {
        const other = mine.pairs[i];
        return document === other?.document && query === other.query && label === other.label;
      }) &&
      (lexicon === this.#lexicon || JSON.stringify(lexicon) === JSON.stringify(this.#lexicon))
    );
  }

  /** @param reported - the queries to report on, normalised */
  async measure(
    instruction: Instruction,
    reported: ReadonlySet<string>,
    pause: () => Promise<void>,
  ): Promise<Measured> {
    const { pairs, scale } = this.#judged;
    const table = (this.#table ??= await this.#read(pause));
    for (const rule of instruction.rules) {
      table.fires(rule);
      await pause();
    }
    const labels = predict(instruction, table);
    const mapping = labelMapping({ size: instruction.scaleSize }, scale);
    const deciding = deciders(instruction, labels, table);
    const lines = instruction.rules.map(() => ({ decides: 0, wrong: 0 }));
    const all = { pairs: pairs.length, right: 0, undecided: 0 };
    const report = { pairs: 0, right: 0 };
    for (const [i, { query, label }] of pairs.entries()) {
      const isRight = mapping[labels[i] ?? -1] === label;
      const line = lines[deciding[i] ?? -1];
      if (line === undefined) all.undecided += 1;
      else {
        line.decides += 1;
        if (!isRight) line.wrong += 1;
      }
      if (isRight) all.right += 1;
      if (!reported.has(normaliseQuery(query))) continue;
      report.pairs += 1;
      if (isRight) report.right += 1;
    }
    return { lines, all, report };
  }

  #read(pause: () => Promise<void>): Promise<FiringTable> {
    const lexicon = makeLexicon(this.#lexicon, currentFolding());
    const typed = this.#judged.pairs.map((pair) => ({ ...pair, document: typeDocument(pair.document, lexicon) }));
    return readTable(lexicon, typed, pause);
  }
}

/** Whether an instruction is no longer the one that was found. */
export function isEdited(instruction: Instruction, { hash }: Finding): boolean {
  return instructionHash(instruction) !== hash;
}
