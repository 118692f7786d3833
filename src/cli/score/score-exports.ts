/**
 * What `lab score` writes beside its table of scores once all pairs have one: TREC's run and judgments, Parquet, a
 * report, a proof.
 */
import { LabError } from '../../common/errors.ts';
import { LAB_VERSION } from '../../common/version.ts';
import { trecQrels, trecRun, type TrecEntry } from '../../data/files/trec-lines.ts';
import type { OwnColumns } from '../../data/files/own-columns.ts';
import type { Cell } from '../../data/files/table-writer.ts';
import { type ColumnType, parquetOf } from '../../data/kinds/parquet-writer.ts';
import type { LabModel } from '../../infer/lab-model.ts';
import type { ScoredItem } from '../../infer/score-pairs.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { placesByQuery, rankedPlaces } from '../../relevance/metrics/ranked-places.ts';
import type { LabelScale } from '../../relevance/pair/labels.ts';
import { makeProof, type ProofFacts, ScoreHash } from '../../runs/score/score-proof.ts';
import { scoreRecord } from '../../runs/score/score-record.ts';
import { reportedFacts, reportedMeasures, scoreReport } from '../../runs/score/score-report.ts';
import type { ScoreTally } from '../../runs/score/score-tally.ts';
import { checkOutputFile, type OutputRules, writeOutput } from '../outputs.ts';
import { note } from '../terminal.ts';

const FORMATS = ['run', 'qrels', 'parquet', 'html'] as const;
type Format = (typeof FORMATS)[number];

/** What exports are made of, beside the scores. */
interface Scored {
  readonly fileName: string;
  readonly model: Pick<LabModel, 'scale'> & { readonly card: Pick<LabModel['card'], 'name'> };
  /** Of the grades. */
  readonly scale: LabelScale;
  readonly tally: ScoreTally;
  /** The other columns of the file, to be read from its beginning. */
  readonly ownColumns: () => Promise<OwnColumns>;
}

/** The scored pairs, held in memory only if something is to be made of them. */
export class ScoreExports {
  readonly #paths: readonly string[];
  readonly #proofPath: string | undefined;
  readonly #rules: OutputRules;
  readonly #items: ScoredItem<PairRow>[] = [];
  readonly #hash = new ScoreHash();

  private constructor(paths: readonly string[], proofPath: string | undefined, rules: OutputRules) {
    this.#paths = paths;
    this.#proofPath = proofPath;
    this.#rules = rules;
  }

  /** @throws {LabError} `bad-config` for an unknown ending, or where something would be lost */
  static async open(
    paths: readonly string[],
    proofPath: string | undefined,
    rules: OutputRules,
  ): Promise<ScoreExports> {
    for (const path of paths) {
      formatOf(path);
      await checkOutputFile(path, { ...rules, optionName: '--export' });
    }
    if (proofPath !== undefined) await checkOutputFile(proofPath, { ...rules, optionName: '--proof' });
    return new ScoreExports(paths, proofPath, rules);
  }

  add(scored: ScoredItem<PairRow>): void {
    if (this.#proofPath !== undefined) this.#hash.add({ row: scored.item.row, ...scored.score });
    if (this.#paths.length > 0) this.#items.push(scored);
  }

  /** Writes all of them. @throws {LabError} as outputs do */
  async write(scored: Scored, facts: (() => Promise<ProofFacts>) | undefined): Promise<void> {
    for (const path of this.#paths) {
      await this.#writeFile(path, '--export', await this.#contents(formatOf(path), scored));
    }
    if (this.#proofPath === undefined || facts === undefined) return;
    const made = { madeAt: new Date().toISOString(), version: LAB_VERSION };
    const proof = makeProof({ ...made, ...(await facts()), pairs: scored.tally.pairs, result: this.#hash.result() });
    await this.#writeFile(this.#proofPath, '--proof', [`${JSON.stringify(proof, null, 1)}\n`]);
  }

  async #writeFile(path: string, optionName: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
    await writeOutput(path, { ...this.#rules, resume: false, optionName }, pieces);
    note(`Written: ${path}.`);
  }

  async #contents(format: Format, scored: Scored): Promise<Iterable<string | Uint8Array>> {
    switch (format) {
      case 'run':
        return trecRun(this.#entries(), scored.model.card.name);
      case 'qrels':
        return trecQrels(this.#entries());
      case 'parquet':
        return [await this.#parquet(scored)];
      case 'html':
        return this.#report(scored);
      default:
        return format satisfies never;
    }
  }

  /** The scored pairs of each query, the best first. */
  #lists(): ScoredItem<PairRow>[][] {
    const numbers = new Map<string, number>();
    const queryOf = Int32Array.from(this.#items, ({ item: { pair } }) => {
      const number = numbers.get(pair.queryId) ?? numbers.size;
      numbers.set(pair.queryId, number);
      return number;
    });
    const scores = Float64Array.from(this.#items, ({ score }) => score.score);
    const docIds = this.#items.map(({ item }) => item.pair.document.docId);
    return placesByQuery(queryOf, numbers.size).map((places) =>
      rankedPlaces(places, { scores, docIds }).flatMap((place) => this.#items[place] ?? []),
    );
  }

  *#entries(): Generator<TrecEntry> {
    for (const list of this.#lists()) {
      for (const { item, score } of list) {
        const { queryId, document, label } = item.pair;
        yield { queryId, docId: document.docId, score: score.score, grade: label };
      }
    }
  }

  async #parquet({ model: { scale }, ownColumns }: Scored): Promise<Uint8Array> {
    const own = await ownColumns();
    const [first] = this.#items;
    const names = first === undefined ? [] : Object.keys(scoreRecord(first.score, scale.names));
    const columns = ['row', 'query', 'queryId', 'docId', 'title', ...names, 'grade', ...own.names];
    const types: Record<string, ColumnType> = { row: 'INT32', label: 'INT32', grade: 'INT32' };
    for (const name of names) if (name !== 'label' && name !== 'labelName') types[name] = 'DOUBLE';
    const items = this.#items;
    const rows = async function* (): AsyncGenerator<Cell[]> {
      for (const { item, score } of items) {
        const { query, queryId, document, label } = item.pair;
        const record = scoreRecord(score, scale.names);
        const values = names.map((name) => record[name] ?? null);
        const kept = (await own.of(item.row)) ?? [];
        yield [
          item.row,
          item.ownQuery ?? query,
          queryId,
          document.docId,
          document.title,
          ...values,
          label ?? null,
          ...kept,
        ];
      }
    };
    return parquetOf(columns, rows(), types);
  }

  async #report({ fileName, model, scale, tally }: Scored): Promise<Iterable<string>> {
    const report = await tally.report(scale);
    const lists = this.#lists().map((list) => ({
      query: list[0]?.item.pair.query ?? '',
      pairs: list.map(({ item, score }) => ({
        docId: item.pair.document.docId,
        title: item.pair.document.title,
        label: model.scale.names[score.label] ?? '',
        score: score.score,
        grade: item.pair.label === undefined ? '' : (scale.names[item.pair.label] ?? ''),
      })),
    }));
    return scoreReport({
      fileName,
      modelName: model.card.name,
      facts: reportedFacts(report),
      measures: report === null ? [] : reportedMeasures(report),
      lists,
    });
  }
}

/** The format of a path. @throws {LabError} `bad-config` */
function formatOf(path: string): Format {
  const format = FORMATS.find((ending) => path.toLowerCase().endsWith(`.${ending}`));
  if (format !== undefined) return format;
  throw new LabError('bad-config', {
    message: `The format of ${path} is unknown.`,
    expected: `a name that ends in ${FORMATS.map((ending) => `.${ending}`).join(', ')}`,
    fix: 'Choose another name for --export; tables of scores are written by --out.',
  });
}
