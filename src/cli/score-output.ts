/**
 * What `lab score` writes: a row per pair, with its reasoning if asked for.
 */
import { open } from 'node:fs/promises';
import { LabError } from '../common/errors.ts';
import type { PairRow } from '../data/files/pairs-file.ts';
import { jsonLines, tableLines } from '../data/files/table-writer.ts';
import { generateAll } from '../infer/generate.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { ScoredItem } from '../infer/score-pairs.ts';
import { normalisedRelevance } from '../relevance/pair/labels.ts';
import { formatTrace, parseTrace } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import { verifyStep } from '../relevance/rules/verify.ts';

/** The file of scores. */
export class ScoreOutput {
  readonly #file: Awaited<ReturnType<typeof open>>;
  readonly #format: 'csv' | 'tsv' | 'jsonl';
  readonly #model: LabModel;
  #isStarted = false;

  private constructor(file: Awaited<ReturnType<typeof open>>, format: 'csv' | 'tsv' | 'jsonl', model: LabModel) {
    this.#file = file;
    this.#format = format;
    this.#model = model;
  }

  static async open(path: string, model: LabModel): Promise<ScoreOutput> {
    const format = (['csv', 'tsv', 'jsonl'] as const).find((ending) => path.toLowerCase().endsWith(`.${ending}`));
    if (format === undefined) {
      throw new LabError('bad-config', {
        message: `The format of ${path} is not known.`,
        expected: 'a name that ends in .csv, .tsv or .jsonl',
      });
    }
    return new ScoreOutput(await open(path, 'w'), format, model);
  }

  async write(scored: ScoredItem<PairRow> | undefined, reason: Reason | undefined): Promise<void> {
    if (scored === undefined) return;
    const { item, score } = scored;
    const { query, document, label: grade } = item.pair;
    const record = {
      row: item.row,
      query,
      docId: document.docId,
      title: document.title,
      label: score.label,
      labelName: this.#model.scale.names[score.label] ?? '',
      score: rounded(score.score),
      relevance: rounded(normalisedRelevance(score.probabilities)),
      confidence: rounded(Math.max(...score.probabilities)),
      ...Object.fromEntries(score.probabilities.map((p, label) => [`p${label}`, rounded(p)])),
      ...(grade === undefined ? {} : { grade }),
      ...reason,
    };
    if (this.#format === 'jsonl') {
      await this.#append(jsonLines([record]));
      return;
    }
    // Every file has a grade column, filled or not: rows may differ in having one.
    const columns = { ...record, grade: grade ?? null, ...reason };
    const lines = [...tableLines(Object.keys(columns), [Object.values(columns)], { format: this.#format })];
    await this.#append(this.#isStarted ? lines.slice(1) : lines);
    this.#isStarted = true;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(lines: Iterable<string>): Promise<void> {
    await this.#file.write([...lines].join(''));
  }
}

/** The reasoning of one pair, for the output file. */
interface Reason {
  readonly reasoning: string;
  readonly stepsVerified: string;
}

/** The reasoning of pairs, from greedy completions, with how many of its steps live execution verifies. */
export async function reasonsOf(model: LabModel, batch: readonly ScoredItem<PairRow>[]): Promise<Reason[]> {
  const { transformer, tokenizer, instruction, lexicon, prompt, scale } = model;
  const prompts = batch.map(({ prompt: ids }) => ids);
  const completions = await generateAll(transformer, prompts, { eosId: tokenizer.idOf(EOS) });
  return completions.map(({ ids }, i) => {
    const parsed = parseTrace(tokenizer.decode(ids), prompt.scaleSize);
    const steps = parsed.ok ? parsed.trace.steps : parsed.steps;
    const pair = batch[i]?.item.pair;
    const verified = steps.filter(
      (step) => pair !== undefined && verifyStep(instruction, lexicon, pair, step).status === 'verified',
    );
    const name = (rule: number): string => instruction.rules[rule]?.id ?? `rule ${rule}`;
    return {
      reasoning: parsed.ok
        ? formatTrace(parsed.trace, name, scale).replaceAll('\n', ';')
        : `does not parse: expected ${parsed.failure.expected}, got ${parsed.failure.got}`,
      stepsVerified: `${verified.length}/${steps.length}`,
    };
  });
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}
