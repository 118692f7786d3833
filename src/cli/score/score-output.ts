/**
 * The output of `lab score`: one row per pair, optionally with reasoning.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import { LabError } from '../../common/errors.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import type { OwnColumns } from '../../data/files/own-columns.ts';
import { type Cell, jsonLines, tableLines } from '../../data/files/table-writer.ts';
import { automataOf } from '../../infer/held/completion-holder.ts';
import { generateAll } from '../../infer/generate.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import type { ScoredItem } from '../../infer/score-pairs.ts';
import { formatTrace, parseTrace, type TraceStep } from '../../relevance/trace/trace.ts';
import { EOS } from '../../relevance/pair/vocabulary.ts';
import { spokenStep } from '../../relevance/rules/spoken-step.ts';
import { PairChecker } from '../../relevance/rules/verify.ts';
import { scoreRecord } from '../../runs/score/score-record.ts';
import type { PromptField } from '../../relevance/prompt/prompt.ts';
import { checkOutputFile, OutputFile, type OutputRules, partOf } from '../outputs.ts';
import { type KeptRows, type KeptScore, type ScoreIdentity, ScoreJournal } from './score-journal.ts';

const FORMATS = ['csv', 'tsv', 'jsonl'] as const;
type Format = (typeof FORMATS)[number];

/** Columns with free text. */
const FREE_TEXT = ['title', 'labelName', 'reason', 'reasoning'];

/** What the first columns of a row say of the file itself, whatever its columns are called. */
export const SCORED_ROLES = ['query', 'queryId', 'docId', 'title'] as const;

/**
 * Checks that scores can be written, before a model is loaded.
 *
 * @throws {LabError} `bad-config` for an unknown file type, or where something would be lost; `not-found` if there is
 *   nothing to resume
 */
export async function checkScoreOutput(path: string, rules: OutputRules): Promise<void> {
  formatOf(path);
  const isStarted = await new ScoreJournal(path).isThere();
  if (isStarted && rules.resume !== true && rules.force !== true) {
    throw new LabError('bad-config', {
      message: `An interrupted scoring has left ${partOf(path)}.`,
      fix: 'Continue it with --resume, or start over with --force.',
    });
  }
  if (!isStarted && rules.resume === true) {
    throw new LabError('not-found', {
      message: `There is no interrupted scoring to resume for ${path}.`,
      expected: `${partOf(path)} with its journal`,
      fix: 'Leave out --resume.',
    });
  }
  await checkOutputFile(path, rules);
}

/** How to write scores. */
export interface ScoreOutputOptions extends OutputRules {
  /** The identity of input and model, for `resume`. */
  readonly identity: ScoreIdentity;
  /** Rows per batch; a multiple of it is kept on resume. */
  readonly window: number;
  /** Whether the model was trained on a query: null where unknown, undefined to omit the column. */
  readonly trainedOn: (query: string) => boolean | null | undefined;
  /** Whether a pair with these probabilities goes to a person; undefined to omit the column. */
  readonly abstains?: ((probabilities: readonly number[]) => boolean) | undefined;
  /** The other columns of the file. */
  readonly own?: OwnColumns | undefined;
  /** Whether a .csv begins with the byte order mark that Excel needs. */
  readonly bom?: boolean | undefined;
}

/** The part of a model that names labels. */
type ScaleOf = Pick<LabModel, 'scale'>;

/** The file of scores. It gets its name once all rows are written. */
export class ScoreOutput {
  readonly #file: OutputFile;
  readonly #format: Format;
  readonly #model: ScaleOf;
  readonly #journal: ScoreJournal;
  readonly #trainedOn: ScoreOutputOptions['trainedOn'];
  readonly #mark: string;
  readonly #own: OwnColumns | undefined;
  readonly #freeText: readonly string[];
  readonly #abstains: ScoreOutputOptions['abstains'];
  readonly #kept: readonly KeptScore[];
  #bytes: number;
  #batch: KeptScore[] = [];
  #rows = 0;

  private constructor(
    file: OutputFile,
    format: Format,
    model: ScaleOf,
    journal: ScoreJournal,
    kept: KeptRows,
    { trainedOn, abstains, bom, own }: Pick<ScoreOutputOptions, 'trainedOn' | 'abstains' | 'bom' | 'own'>,
  ) {
    this.#trainedOn = trainedOn;
    this.#own = own;
    this.#freeText = [...FREE_TEXT, ...(own?.freeText ?? [])];
    this.#abstains = abstains;
    this.#mark = bom === true ? '\uFEFF' : '';
    this.#file = file;
    this.#format = format;
    this.#model = model;
    this.#journal = journal;
    this.#kept = kept.scores;
    this.#bytes = kept.bytes;
  }

  /** @throws {LabError} as {@link checkScoreOutput}; `bad-config` if the output to resume has another identity */
  static async open(path: string, model: ScaleOf, options: ScoreOutputOptions): Promise<ScoreOutput> {
    const { identity, window, trainedOn, abstains, bom, own, ...rules } = options;
    const journal = new ScoreJournal(await checkOutputFile(path, rules));
    const kept = rules.resume === true ? await journal.resume(identity, window) : { scores: [], bytes: 0 };
    const file = await OutputFile.create(path, rules, kept.bytes);
    if (rules.resume !== true && !file.isSpecial) await journal.begin(identity);
    return new ScoreOutput(file, formatOf(path), model, journal, kept, { trainedOn, abstains, bom, own });
  }

  /** The number of rows scored before. */
  get keptRows(): number {
    return this.#kept.length;
  }

  /**
   * Rows with their scores, in order: first the kept ones, then those that `score` computes.
   *
   * @param rows - all rows from the first
   */
  async *scored(
    rows: AsyncIterable<PairRow>,
    score: (rest: AsyncIterable<PairRow>) => AsyncIterable<ScoredItem<PairRow>>,
  ): AsyncGenerator<ScoredItem<PairRow>> {
    const rest = rows[Symbol.asyncIterator]();
    for (const kept of this.#kept) {
      let next = await rest.next();
      while (next.done !== true && next.value.row !== kept.row) next = await rest.next();
      if (next.done === true) return;
      const { score: known, cutFields } = kept;
      yield { item: next.value, prompt: new Int32Array(), score: known, cutFields: cutFields as PromptField[] };
    }
    yield* score({ [Symbol.asyncIterator]: () => rest });
  }

  /** Writes the rows of a batch, unless they are kept. @param reasons - in the order of the rows */
  async write(batch: readonly ScoredItem<PairRow>[], reasons: readonly Reason[] | undefined): Promise<void> {
    for (const [i, scored] of batch.entries()) {
      this.#rows += 1;
      if (this.#rows <= this.keptRows) continue;
      const own = await this.#own?.of(scored.item.row);
      const text = [...this.#linesOf(scored, reasons?.[i], own)].join('');
      await this.#file.write(text);
      this.#bytes += Buffer.byteLength(text);
      this.#batch.push({ row: scored.item.row, score: scored.score, cutFields: scored.cutFields });
    }
    if (this.#batch.length > 0 && !this.#file.isSpecial) await this.#journal.add(this.#batch, this.#bytes);
    this.#batch = [];
  }

  /** Renames the part to the file. */
  async finish(): Promise<void> {
    await this.#file.finish();
    await this.#journal.remove();
  }

  /** Keeps the part so that it can be resumed; removes it if it is empty. */
  async stop(): Promise<void> {
    const hasRows = this.#bytes > 0;
    await this.#file.abandon(hasRows);
    if (!hasRows) await this.#journal.remove();
  }

  #linesOf(
    { item, score }: ScoredItem<PairRow>,
    reason: Reason | undefined,
    own: readonly Cell[] | undefined,
  ): Iterable<string> {
    const { query, queryId, document, label: grade } = item.pair;
    const trainedOn = this.#trainedOn(query);
    const { names = [] } = this.#own ?? {};
    const kept = Object.fromEntries(names.map((name, i): [string, Cell] => [name, own?.[i] ?? null]));
    const record = {
      row: item.row,
      query: item.ownQuery ?? query,
      queryId,
      docId: document.docId,
      title: document.title,
      ...scoreRecord(score, this.#model.scale.names),
      ...(trainedOn === undefined ? {} : { trainedOn }),
      ...(this.#abstains === undefined ? {} : { abstains: this.#abstains(score.probabilities) }),
      ...(grade === undefined ? {} : { grade }),
      ...reason,
    };
    if (this.#format === 'jsonl') return jsonLines([{ ...record, ...kept }]);
    // Every file has a grade column, because only some rows may have grades.
    const columns = { ...record, grade: grade ?? null, ...reason, ...kept };
    const options = { format: this.#format, freeText: this.#freeText };
    const lines = [...tableLines(Object.keys(columns), [Object.values(columns)], options)];
    return this.#bytes === 0 ? [this.#mark, ...lines] : lines.slice(1);
  }
}

/** The names of all columns that a row of scores can have, beside those of the file. */
export function scoredNames({ scale }: ScaleOf): string[] {
  const probabilities = scale.names.map(() => 1 / scale.size);
  const record = scoreRecord({ label: 0, score: 0, probabilities }, scale.names);
  return [
    'row',
    ...SCORED_ROLES,
    ...Object.keys(record),
    'trainedOn',
    'abstains',
    'grade',
    'reason',
    'reasoning',
    'stepsVerified',
  ];
}

/** The format of a path. @throws {LabError} `bad-config` */
function formatOf(path: string): Format {
  const format = FORMATS.find((ending) => path.toLowerCase().endsWith(`.${ending}`));
  if (format !== undefined) return format;
  throw new LabError('bad-config', {
    message: `The format of ${path} is unknown.`,
    expected: 'a name that ends in .csv, .tsv or .jsonl',
    fix: 'Choose another name for --out.',
  });
}

/** The reasoning of one pair, for the output file. */
export interface Reason {
  /** A sentence for each step, as people read it; a step that does not verify says so. */
  readonly reason: string;
  /** The trace itself. */
  readonly reasoning: string;
  readonly stepsVerified: string;
}

/** The reasoning of pairs from greedy completions, with the number of steps that execution on the pair verifies. */
export async function reasonsOf(
  model: LabModel,
  batch: readonly ScoredItem<PairRow>[],
  decoding: DecodingKind,
): Promise<Reason[]> {
  const { transformer, tokenizer, instruction, prompt, scale } = model;
  const prompts = batch.map(({ prompt: ids }) => ids);
  const automata = automataOf(
    model,
    decoding,
    batch.map(({ item }) => item.pair),
  );
  const completions = await generateAll(transformer, prompts, { eosId: tokenizer.idOf(EOS), automata });
  return completions.map(({ ids }, i) => {
    const parsed = parseTrace(tokenizer.decode(ids), prompt.scaleSize);
    const steps = parsed.ok ? parsed.trace.steps : parsed.steps;
    const pair = batch[i]?.item.pair;
    const checker = pair === undefined ? undefined : new PairChecker(model, pair);
    const checks = steps.map((step) => checker?.checkStep(step).status ?? 'uncheckable');
    const name = (rule: number): string => instruction.rules[rule]?.id ?? `rule ${rule}`;
    return {
      reason: steps.map((step, s) => spokenReason(instruction, step, checks[s])).join(' '),
      reasoning: parsed.ok
        ? steps.length === 0
          ? 'no reasons given'
          : formatTrace(parsed.trace, name, scale).replaceAll('\n', ';')
        : `does not parse: expected ${parsed.failure.expected}, got ${parsed.failure.got}`,
      stepsVerified: `${checks.filter((check) => check === 'verified').length} of ${steps.length}`,
    };
  });
}

function spokenReason({ rules }: LabModel['instruction'], step: TraceStep, check: string | undefined): string {
  const sentence = spokenStep(rules[step.rule]?.text ?? `Rule ${step.rule} is not in the instruction.`, step);
  return check === 'verified' ? sentence : `${sentence.slice(0, -1)} (${check}).`;
}
