/**
 * An imported data set as the data of a run: its grades as labels of the run's scale, and its queries in three parts.
 *
 * People have judged these pairs without saying why. So the expert's completion is the label, no step, and the label
 * restated: the grammar allows a trace without steps, and inventing reasons would teach the model to invent them.
 */
import { LabError } from '../common/errors.ts';
import type { DataSet, GradedPair } from '../data/data-set.ts';
import { GradeReader } from '../data/grades.ts';
import { badFile, showValue } from '../data/records.ts';
import { normaliseQuery, type Split, splitByQuery } from '../data/splits.ts';
import type { FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import { scaleOfSize } from '../relevance/labels.ts';
import { groupByQuery } from '../relevance/metrics-ranking.ts';
import type { JudgedPair } from '../relevance/pair.ts';
import { buildPrompt, type PromptConfig } from '../relevance/prompt.ts';
import type { ExpertPair } from '../train/evaluate.ts';

/**
 * The judged pairs of a data set, split by query. Pairs of one query stand together in dev and test.
 *
 * @throws {LabError} `bad-checkpoint` if it is another data set than the settings name; `bad-file` if grades are not on the
 *   scale, or there are too few queries or grades to learn from
 */
export function splitFile(data: FileData, scaleSize: number, dataSet: DataSet): Split<JudgedPair> {
  if (dataSet.sha256 !== data.sha256) throw otherData(data, dataSet);
  const { name, devShare, testShare, splitSeed } = data;
  const pairs = labelled(name, scaleSize, dataSet.pairs);
  const parts = testShare === 0 ? 2 : 3;
  const queries = new Set(pairs.map(({ query }) => normaliseQuery(query))).size;
  if (queries < parts) {
    throw badFile(name, {
      problem: 'it has too few queries to hold some of them out',
      expected: `at least ${parts} different queries`,
      got: String(queries),
      fix: 'Add pairs of other queries.',
    });
  }
  const split = splitByQuery(pairs, splitSeed, { train: 1 - devShare - testShare, dev: devShare, test: testShare });
  const labels = new Set(split.train.map(({ label }) => label));
  if (labels.size < 2) {
    throw badFile(name, {
      problem: 'all pairs to learn from have the same grade',
      expected: 'at least two different grades',
      got: `${split.train.length} times label ${[...labels].join('')}`,
      fix: 'Add pairs with other grades.',
    });
  }
  return { train: split.train, dev: groupByQuery(split.dev).flat(), test: groupByQuery(split.test).flat() };
}

/** A judged pair as the expert's: its label, and no reasons. */
export function labelOnly(pair: JudgedPair, scaleSize: number): ExpertPair {
  return { pair, trace: { scaleSize, label: pair.label, steps: [], restated: pair.label } };
}

/** How many queries and documents of a data set lose words to the limits of the prompt. */
export function countShortened(dataSet: DataSet, prompt: PromptConfig): { queries: number; documents: number } {
  const withoutHints = { ...prompt, hints: false }; // they cost time, and no words
  const blank = { docId: '', title: '', brand: '', type: '', attributes: {}, text: '' };
  const isCut = (query: string, document: DataSet['documents'][number]): boolean =>
    buildPrompt({ query, document }, withoutHints).cutFields.length > 0;
  const queries = [...new Set(dataSet.pairs.map(({ query }) => query))].filter((query) => isCut(query, blank)).length;
  return { queries, documents: dataSet.documents.filter((document) => isCut('', document)).length };
}

/** @throws {LabError} `bad-config` if the training part does not fill one batch */
export function checkBatch({ sft }: Pick<SftExperiment, 'sft'>, trainPairs: number): void {
  if (trainPairs >= sft.batchSize) return;
  throw new LabError('bad-config', {
    message: 'There are fewer pairs to learn from than one batch holds.',
    expected: `at least ${sft.batchSize}`,
    got: String(trainPairs),
    fix: 'Lower the batch size, hold fewer queries out, or add pairs.',
  });
}

function labelled(name: string, scaleSize: number, pairs: readonly GradedPair[]): JudgedPair[] {
  const reader = new GradeReader(scaleOfSize(scaleSize));
  const labels = new Map<string, number | undefined>();
  const judged: JudgedPair[] = [];
  const strange: GradedPair[] = [];
  for (const pair of pairs) {
    const { grade, query, queryId, document } = pair;
    if (!labels.has(grade)) labels.set(grade, reader.read(grade));
    const label = labels.get(grade);
    if (label === undefined) strange.push(pair);
    else judged.push({ query, queryId, document, label });
  }
  const [first] = strange;
  if (first === undefined) return judged;
  const others = strange.length === 1 ? '' : ` (and ${strange.length - 1} more)`;
  throw badFile(name, {
    problem: `a grade is not on the scale of ${scaleSize} labels, in row ${first.row}${others}`,
    expected: reader.expected,
    got: showValue(first.grade),
    fix: 'Choose the scale that the grades are on, or change them in the file.',
  });
}

function otherData({ name, sha256 }: FileData, got: DataSet): LabError {
  return new LabError('bad-checkpoint', {
    message: `The file ${got.name} is not what this run learns from.`,
    expected: `"${name}" with the contents ${sha256.slice(0, 12)}`,
    got: got.sha256.slice(0, 12),
    fix: 'Choose the file that the run began with, unchanged.',
  });
}
