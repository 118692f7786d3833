/**
 * Imported data for the training worker: the files read last, and what the store keeps so that runs can resume. One
 * data set is held in memory at a time.
 */
import type { DataToKeep } from '../checkpoint/kept-data.ts';
import { LabError } from '../common/errors.ts';
import { type DataSet, decodeDataSet } from '../data/files/data-set.ts';
import { type ColumnNames, ROLES } from '../data/files/columns.ts';
import { type DataFile, likelyScale, readColumns, readDataSet, type ReadData } from '../data/files/data-set-reader.ts';
import { GradeReader } from '../data/files/grades.ts';
import { badFile, describeRowError } from '../data/files/records.ts';
import { normaliseQuery } from '../data/splits.ts';
import { type GivenFile, givenBlob } from '../data/kinds/given-file.ts';
import { openData } from '../data/layouts/open-data.ts';
import type {
  ColumnWishes,
  DataPlan,
  DataSummary,
  FileColumns,
  ReadDataRequest,
  ReadRulesRequest,
  RulesSummary,
} from '../protocol/imported-data.ts';
import { type FileData, parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { checkBatch, countShortened, splitFile } from '../runs/file-data.ts';
import { instructionOf, lexiconOf, rulesForFile, identifyRuleFiles } from '../runs/rules-files.ts';

/** Larger files are not opened. */
const MAX_FILE_BYTES = 256 * 2 ** 20;
/** The most kinds of grades, and refused rows, that are listed individually. */
const SHOWN_GRADES = 12;
const SHOWN_REFUSALS = 5;

/** Reads and finds imported data, and plans runs on it. */
export class DataLibrary {
  readonly #load: (sha256: string) => Promise<DataToKeep | undefined>;
  #last: DataSet | undefined;
  #shortened: { readonly key: string; readonly counts: ReturnType<typeof countShortened> } | undefined;

  /** @param load - loads a data set from the store */
  constructor(load: (sha256: string) => Promise<DataToKeep | undefined>) {
    this.#load = load;
  }

  /**
   * Reads files that a person chose, in place of those read before.
   *
   * @throws {LabError} `bad-file`
   */
  async read({ files, columns }: ReadDataRequest): Promise<DataSummary> {
    const names = columnNames(columns);
    const read = await readDataSet(await dataFiles(files, names), { columns: names });
    this.#last = read.dataSet;
    return summaryOf(read);
  }

  /**
   * The columns of files that a person chose, so that their roles can be assigned.
   *
   * @throws {LabError} `bad-file`
   */
  async readColumns({ files, columns }: ReadDataRequest): Promise<FileColumns> {
    const wishes = columnNames(columns);
    const { names, found } = await readColumns(await dataFiles(files, wishes), { columns: wishes });
    return { names: [...names], roles: ROLES.map((role) => ({ role, column: found.get(role) ?? null })) };
  }

  /**
   * The data set that a run learns from.
   *
   * @throws {LabError} `not-found` if it has to be chosen again; `bad-checkpoint` if the stored copy is damaged
   */
  async find({ name, sha256 }: FileData): Promise<DataSet> {
    if (this.#last?.sha256 === sha256) return this.#last;
    const kept = await this.#load(sha256);
    if (kept === undefined) {
      throw new LabError('not-found', {
        message: `The file "${name}", which this run learns from, is not kept in this browser.`,
        expected: `its contents ${sha256.slice(0, 12)}`,
        got: this.#last === undefined ? 'no file' : `${this.#last.name}, ${this.#last.sha256.slice(0, 12)}`,
        fix: 'Choose the same file under "Your own file", then resume.',
      });
    }
    this.#last = await decodeDataSet(kept.name, sha256, kept.bytes);
    return this.#last;
  }

  /**
   * Reads the user's own rules for the data of a run.
   *
   * @throws {LabError} `bad-file`, `bad-instruction` or `bad-config` if they cannot be used; as {@link find}
   */
  async readRules({ files, data, scaleSize }: ReadRulesRequest): Promise<RulesSummary> {
    const { data: checked } = parseSftExperiment('The data that the rules are for', { data });
    if (checked.kind !== 'file') {
      throw new LabError('bad-config', { message: 'Rules can only be used with a file of judged pairs.' });
    }
    const texts = await Promise.all(files.map(async ({ name, blob }) => ({ name, text: await blob.text() })));
    const { instruction, lexicon } = identifyRuleFiles(texts);
    const words = lexicon === undefined ? undefined : lexiconOf(lexicon);
    const dataSet = await this.find(checked);
    const { rules, traces } = rulesForFile(instructionOf(instruction), words, checked, scaleSize, dataSet);
    return {
      name: instruction.name,
      rules,
      ruleCount: rules.instruction.rules.length,
      tailCount: rules.tailRules.length,
      traced: traces?.traced ?? 0,
      pairs: traces?.pairs ?? 0,
      isLexiconInduced: lexicon === undefined,
    };
  }

  /**
   * The data that a run would train on.
   *
   * @throws {LabError} as {@link find} and `splitFile`; `bad-config` if it does not fill a batch
   */
  async plan(data: FileData, experiment: SftExperiment): Promise<DataPlan> {
    const dataSet = await this.find(data);
    const { prompt } = experiment;
    const { train, dev, test } = splitFile(data, prompt.scaleSize, dataSet);
    checkBatch(experiment, train.length);
    const key = JSON.stringify([dataSet.sha256, prompt]);
    if (this.#shortened?.key !== key) this.#shortened = { key, counts: countShortened(dataSet, prompt) };
    const { queries, documents } = this.#shortened.counts;
    return {
      train: partOf(train),
      dev: partOf(dev),
      test: partOf(test),
      withoutLabel: dataSet.pairs.length - train.length - dev.length - test.length,
      shortenedQueries: queries,
      shortenedDocuments: documents,
    };
  }
}

/** Counts of what was read. */
function summaryOf({ dataSet, errors, errorCount, findings }: ReadData): DataSummary {
  const { name, sha256, pairs, documents } = dataSet;
  const counts = new Map<string, number>();
  for (const { grade } of pairs) counts.set(grade, (counts.get(grade) ?? 0) + 1);
  const scale = likelyScale(pairs.map(({ grade }) => grade));
  const reader = new GradeReader(scaleOfSize(scale));
  const grades = [...counts]
    .map(([grade, count]) => ({ grade, pairs: count, label: reader.read(grade) ?? null }))
    .toSorted((a, b) => b.pairs - a.pairs);
  return {
    name,
    sha256,
    pairs: pairs.length,
    queries: new Set(pairs.map(({ query }) => normaliseQuery(query))).size,
    documents: documents.length,
    grades: grades.slice(0, SHOWN_GRADES),
    gradeCount: grades.length,
    likelyScale: scale,
    refused: errorCount,
    refusals: errors.slice(0, SHOWN_REFUSALS).map(describeRowError),
    findings: [...findings],
  };
}

/** @throws {LabError} `bad-config` for an unknown role */
function columnNames(wishes: ColumnWishes = {}): ColumnNames {
  const unknown = Object.keys(wishes).find((role) => !ROLES.some((known) => known === role));
  if (unknown === undefined) return wishes;
  throw new LabError('bad-config', { message: `No column can be the ${unknown}.`, expected: ROLES.join(', ') });
}

/** The pairs of the files that a person chose, and their documents if these are apart. */
async function dataFiles(files: ReadDataRequest['files'], columns: ColumnNames): Promise<readonly DataFile[]> {
  const { pairs, documents } = await openData(
    files.map(({ name, blob }) => givenFile(name, blob)),
    { columns },
  );
  return documents === undefined ? [pairs] : [pairs, documents];
}

function givenFile(name: string, blob: Blob): GivenFile {
  if (blob.size > MAX_FILE_BYTES) {
    throw badFile(name, {
      problem: 'it is too large to train on here',
      expected: `at most ${MAX_FILE_BYTES / 2 ** 20} MiB`,
      got: `${Math.ceil(blob.size / 2 ** 20)} MiB`,
      fix: 'Take a sample of its queries, with all pairs of each.',
    });
  }
  return givenBlob(name, blob);
}

function partOf(pairs: readonly JudgedPair[]): { pairs: number; queries: number } {
  return { pairs: pairs.length, queries: new Set(pairs.map(({ query }) => normaliseQuery(query))).size };
}
