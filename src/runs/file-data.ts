/**
 * Prepares an imported data set for a run: grades become labels of the run's scale, and queries are split into three
 * parts.
 *
 * The pairs were judged without reasons. Where a run has rules that lead to the judged label, the expert's completion
 * is the trace of those rules. Everywhere else it is the label, no step, and the label restated: the grammar allows a
 * trace without steps, and invented reasons would teach the model to invent them.
 */
import { LabError } from '../common/errors.ts';
import type { DataSet, GradedPair } from '../data/files/data-set.ts';
import { GradeReader, isOnOtherScale } from '../data/files/grades.ts';
import { badFile, showValue } from '../data/files/records.ts';
import { normaliseQuery, type Split, splitByQuery } from '../data/splits.ts';
import type { FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import { Bm25 } from '../relevance/prompt/bm25.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import type { Lexicon } from '../relevance/pair/lexicon.ts';
import { groupByQuery } from '../relevance/metrics/metrics-ranking.ts';
import { namedScale } from '../protocol/label-names.ts';
import { noRules, type Rules } from '../relevance/rules/rules.ts';
import { type OwnRules, rulesOf, toOwnRules } from '../relevance/rules/own-rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { buildPrompt, type PromptConfig, type PromptField } from '../relevance/prompt/prompt.ts';
import { textFolding } from '../relevance/pair/text-folding.ts';
import { TAIL_SHARE } from '../relevance/world/rule-world.ts';
import { listed } from '../relevance/prompt/listed.ts';
import type { VectorSource } from '../relevance/prompt/meaning.ts';
import { type SynthesisCounts, synthesiseTraces, type TracedPair } from '../relevance/rules/trace-synthesis.ts';
import { readPair } from '../relevance/rules/typed-document.ts';
import type { ExpertPair } from '../train/evaluate.ts';

/**
 * The judged pairs of a data set, split by query; pairs whose grade has no label are left out. In dev and test, pairs
 * of one query are consecutive.
 *
 * @throws {LabError} `bad-checkpoint` if it is not the data set that the settings name; `bad-file` if the grades are on
 *   another scale, or there are too few queries or grades to learn from; `bad-config` if the names of labels are
 */
export function splitFile(data: FileData, scaleSize: number, dataSet: DataSet): Split<JudgedPair> {
  if (dataSet.sha256 !== data.sha256) throw otherData(data, dataSet);
  const { name, devShare, testShare, splitSeed, grades, labels: names } = data;
  namedScale(names, scaleSize); // refuses names of another scale before anything is trained
  const pairs = judgedPairs(name, scaleSize, dataSet.pairs, grades);
  const parts = testShare === 0 ? 2 : 3;
  const queries = new Set(pairs.map(({ query }) => normaliseQuery(query))).size;
  if (queries < parts) {
    throw badFile(name, {
      problem: 'it has too few queries to hold some out',
      expected: `at least ${parts} different queries`,
      got: String(queries),
      fix: 'Add pairs of other queries.',
    });
  }
  const split = splitByQuery(pairs, splitSeed, { train: 1 - devShare - testShare, dev: devShare, test: testShare });
  const labels = new Set(split.train.map(({ label }) => label));
  if (labels.size < 2) {
    throw badFile(name, {
      problem: 'all training pairs have the same grade',
      expected: 'at least two different grades',
      got: `${split.train.length} times label ${[...labels].join('')}`,
      fix: 'Add pairs with other grades.',
    });
  }
  return { train: split.train, dev: groupByQuery(split.dev).flat(), test: groupByQuery(split.test).flat() };
}

/**
 * Pairs of a data set with their standing and similarities among all pairs of their query, where prompts show them.
 * Pairs without a label count too, because they do when a file is scored.
 *
 * @param vectors - of the model; without them there are no similarities
 */
export function withStandingOf(
  { documents, pairs: found }: Pick<DataSet, 'documents' | 'pairs'>,
  pairs: readonly JudgedPair[],
  { standing, folding }: Pick<PromptConfig, 'standing' | 'folding'>,
  vectors?: { readonly source: VectorSource },
): readonly JudgedPair[] {
  return listed(pairs, standing ? Bm25.of(documents, textFolding(folding)) : undefined, vectors, found);
}

/**
 * The rules of a run on a file: its own, or none.
 *
 * @throws {LabError} `bad-config` if they are for another scale
 */
export function rulesOfFile(
  { rules }: FileData,
  { scaleSize, folding }: Pick<PromptConfig, 'scaleSize' | 'folding'>,
): Rules {
  if (rules === undefined) return noRules(scaleSize, textFolding(folding));
  checkScale(rules.instruction, scaleSize);
  return rulesOf(rules, textFolding(folding));
}

/**
 * The user's instruction as the rules of a run. A rule counts as a tail rule if few traces of the training pairs cite
 * it.
 *
 * @param train - the training pairs only
 */
export function makeOwnRules(instruction: Instruction, lexicon: Lexicon, train: readonly JudgedPair[]): OwnRules {
  const rules = { lexicon, readsTitles: true };
  const { traced } = synthesiseTraces(
    instruction,
    lexicon,
    train.map((pair) => readPair(rules, pair)),
  );
  const cited = instruction.rules.map((_, rule) => tracesCiting(traced, rule).length);
  const tailRules = [...cited.keys()].filter((rule) => (cited[rule] ?? 0) < TAIL_SHARE * traced.length);
  return toOwnRules(instruction, lexicon, tailRules);
}

/** Pairs with the expert's traces, and how many of them the rules explain; no counts where there are no rules. */
export interface Experts {
  readonly experts: readonly ExpertPair[];
  readonly counts: SynthesisCounts | undefined;
}

/**
 * Pairs with the expert's traces, in order: those of the rules where they verify and lead to gold, else the label
 * alone.
 */
export function expertsOf(rules: Rules, pairs: readonly JudgedPair[]): Experts {
  const { instruction, lexicon } = rules;
  const { scaleSize } = instruction;
  if (instruction.rules.length === 0) {
    return { experts: pairs.map((pair) => labelOnly(pair, scaleSize)), counts: undefined };
  }
  const read = pairs.map((pair) => readPair(rules, pair));
  const { traced, counts } = synthesiseTraces(instruction, lexicon, read);
  const traces = new Map(traced.map(({ pair, trace }) => [pair, trace]));
  const experts = read.map((pair) => {
    const trace = traces.get(pair);
    return trace === undefined ? labelOnly(pair, scaleSize) : { pair, trace };
  });
  return { experts, counts };
}

/**
 * Pairs whose labels alone are learned, as a model with these rules reads them: its own reasons are neither taught nor
 * taken away.
 */
export function labelsAlone(rules: Rules, pairs: readonly JudgedPair[]): readonly ExpertPair[] {
  const { scaleSize } = rules.instruction;
  return pairs.map((pair) => ({ ...labelOnly(readPair(rules, pair), scaleSize), isLabelAlone: true }));
}

/** A judged pair with its label as the expert's completion, without reasons. */
function labelOnly(pair: JudgedPair, scaleSize: number): ExpertPair {
  return { pair, trace: { scaleSize, label: pair.label, steps: [], restated: pair.label } };
}

function tracesCiting(traced: readonly TracedPair[], rule: number): readonly TracedPair[] {
  return traced.filter(({ trace }) => trace.steps.some((step) => step.rule === rule));
}

/** @throws {LabError} `bad-config` if an instruction has another number of labels than the run */
export function checkScale({ name, scaleSize }: Instruction, wanted: number): void {
  if (scaleSize === wanted) return;
  throw new LabError('bad-config', {
    message: `The rules "${name}" are for another scale than the file's grades.`,
    expected: `${wanted} labels`,
    got: String(scaleSize),
    fix: 'Refine rules on that scale with "lab piar --scale", or name the scale of the file.',
  });
}

/** How many queries and documents of a data set lose words to the limits of the prompt. */
export function countShortened(dataSet: DataSet, prompt: PromptConfig): { queries: number; documents: number } {
  const withoutHints = { ...prompt, hints: false }; // hints take time and no words
  const blank = { docId: '', title: '', brand: '', type: '', attributes: {}, text: '' };
  const cutFields = (query: string, document: DataSet['documents'][number]): readonly PromptField[] =>
    buildPrompt({ query, document }, withoutHints).cutFields;
  const long = new Set(dataSet.pairs.map(({ query }) => query).filter((query) => cutFields(query, blank).length > 0));
  // Where a prompt shows the words that a title lacks, the title decides how many these are.
  const cut = dataSet.pairs.filter(
    ({ query, document }) => long.has(query) && cutFields(query, document).includes('query'),
  );
  return {
    queries: new Set(cut.map(({ query }) => query)).size,
    documents: dataSet.documents.filter((document) => cutFields('', document).length > 0).length,
  };
}

/** @throws {LabError} `bad-config` if the training pairs do not fill one update */
export function checkBatch({ sft }: Pick<SftExperiment, 'sft'>, trainPairs: number): void {
  const needed = sft.batchSize * sft.accumulation;
  if (trainPairs >= needed) return;
  throw new LabError('bad-config', {
    message: 'There are fewer training pairs than one update takes.',
    expected: `at least ${needed}${sft.accumulation === 1 ? '' : ` (${sft.accumulation} batches of ${sft.batchSize})`}`,
    got: String(trainPairs),
    fix: 'Lower the batch size or the accumulation, hold fewer queries out, or add pairs.',
  });
}

/**
 * Pairs with their grades as labels; pairs whose grade has no label are left out.
 *
 * @param grades - the meaning of grades; empty for the usual one
 * @throws {LabError} `bad-file`, naming a row, if the grades are on another scale
 */
export function judgedPairs(name: string, scaleSize: number, pairs: readonly GradedPair[], grades = ''): JudgedPair[] {
  const reader = new GradeReader(scaleOfSize(scaleSize), grades);
  const labels = new Map<string, number | undefined>();
  const counts = new Map<string, number>();
  const judged: JudgedPair[] = [];
  let strange: GradedPair | undefined;
  for (const pair of pairs) {
    const { grade, query, queryId, document } = pair;
    if (!labels.has(grade)) labels.set(grade, reader.read(grade));
    counts.set(grade, (counts.get(grade) ?? 0) + 1);
    const label = labels.get(grade);
    if (label === undefined) strange ??= pair;
    else judged.push({ query, queryId, document, label });
  }
  if (strange === undefined || (judged.length > 0 && !isOnOtherScale(counts, scaleSize, grades))) return judged;
  const others = pairs.length - judged.length - 1;
  throw badFile(name, {
    problem: `a grade is not on the scale of ${scaleSize} labels, in row ${strange.row}${others === 0 ? '' : ` (and ${others} more)`}`,
    expected: reader.expected,
    got: showValue(strange.grade),
    fix: 'Choose the scale that the grades are on, or state what they mean.',
  });
}

function otherData({ name, sha256 }: FileData, got: DataSet): LabError {
  return new LabError('bad-checkpoint', {
    message: `The file ${got.name} is not the one that this run learns from.`,
    expected: `"${name}" with the contents ${sha256.slice(0, 12)}`,
    got: got.sha256.slice(0, 12),
    fix: 'Choose the file that the run began with, unchanged.',
  });
}
