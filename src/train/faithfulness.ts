/**
 * Whether a model's label rests on the evidence that it cites. The words it cites are taken out of the document, the rules
 * are executed on what is left, and the model is asked again: where the rules now say another label, a faithful model's
 * label moves there; where they say the same, it stays. As a control as many other words are taken out.
 *
 * Answers that were wrong to begin with say nothing here and are left out, as are those that cite nothing of the document.
 */
import { Rng } from '../common/rng.ts';
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import { generateAll } from '../infer/generate.ts';
import { promptRoom } from '../infer/lab-model.ts';
import { scorePrompts } from '../infer/score.ts';
import { otherWords, withoutEvidence } from '../relevance/rules/counterfactual.ts';
import { execute } from '../relevance/rules/execute.ts';
import type { JudgedPair, Pair } from '../relevance/pair/pair.ts';
import { parseTrace } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import type { Evaluated, ExpertPair } from './evaluate.ts';

/** What became of labels when words were taken out of documents. */
export interface Deletions {
  readonly pairs: number;
  /** Where the rules then say another label: how many, and the shares of labels that moved there, or moved at all. */
  readonly shouldMove: number;
  readonly movedAsRuled: number | null;
  readonly moved: number | null;
  /** Where they say the same: how many, and the share of labels that stayed. */
  readonly shouldStay: number;
  readonly stayed: number | null;
}

/** Everything {@link measureFaithfulness} measures. */
export interface Faithfulness {
  /** Answers looked at; of them, those that were right and cite words of the document. */
  readonly completions: number;
  readonly usable: number;
  readonly cited: Deletions;
  readonly control: Deletions;
}

/** What a model answered where words had been taken out of a document. */
export interface AnsweredCase {
  readonly queryId: string;
  /** The label that the rules gave, and give now. */
  readonly before: number;
  readonly after: number;
  /** The model's. */
  readonly now: number;
}

/** All answers to pairs with less in them. */
export interface AnsweredDeletions {
  /** As {@link Faithfulness} counts them. */
  readonly completions: number;
  readonly usable: number;
  readonly cited: readonly AnsweredCase[];
  readonly control: readonly AnsweredCase[];
}

/** A pair with less in it, the label that the rules gave and give now. */
interface Counterfactual {
  readonly pair: Pair;
  readonly queryId: string;
  readonly before: number;
  readonly after: number;
}

/**
 * Measures a model on expert pairs of a rule world.
 *
 * @throws {LabError} `aborted`
 */
export async function measureFaithfulness(
  model: Evaluated,
  expert: readonly ExpertPair[],
  signal?: AbortSignal,
): Promise<Faithfulness> {
  const { completions, usable, cited, control } = await answerDeletions(model, expert, signal);
  return { completions, usable, cited: deletionsOf(cited), control: deletionsOf(control) };
}

/**
 * Asks a model about expert pairs of a rule world once more without what it cites, and without as many other words.
 *
 * @throws {LabError} `aborted`
 */
export async function answerDeletions(
  model: Evaluated,
  expert: readonly ExpertPair[],
  signal?: AbortSignal,
): Promise<AnsweredDeletions> {
  const { transformer, tokenizer, prompt } = model;
  const { folding } = model.lexicon;
  const promptOf = (pair: Pair): Int32Array => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids;
  const prompts = expert.map(({ pair }) => promptOf(pair));
  const labelIds = tokenizer.labelIds(prompt.scaleSize);
  const answers = await scorePrompts(transformer, labelIds, prompts, { signal });
  const written = await generateAll(transformer, prompts, { eosId: tokenizer.idOf(EOS), signal });
  const rng = new Rng('words that are not cited');

  const usable = expert.flatMap(({ pair }, i) => {
    const parsed = parseTrace(tokenizer.decode(written[i]?.ids ?? []), prompt.scaleSize);
    const evidence = (parsed.ok ? parsed.trace.steps : parsed.steps).flatMap((step) => step.evidence);
    const isRight = answers[i]?.label === execute(model.instruction, model.lexicon, pair).label;
    const less = withoutEvidence(folding, pair, evidence);
    return isRight && less !== undefined ? [{ pair, evidence, less }] : [];
  });
  const cited = usable.flatMap(({ pair, less }) => counterfactual(model, pair, less));
  const control = usable.flatMap(({ pair, evidence }) => {
    const other = otherWords(folding, pair, evidence, rng);
    const less = other === undefined ? undefined : withoutEvidence(folding, pair, [other]);
    return less === undefined ? [] : counterfactual(model, pair, less);
  });
  const ask = async (cases: readonly Counterfactual[]): Promise<AnsweredCase[]> => {
    const pairs = cases.map(({ pair }) => promptOf(pair));
    const scores = await scorePrompts(transformer, labelIds, pairs, { signal });
    return cases.flatMap(({ queryId, before, after }, i) => {
      const now = scores[i]?.label;
      return now === undefined ? [] : [{ queryId, before, after, now }];
    });
  };
  return { completions: expert.length, usable: usable.length, cited: await ask(cited), control: await ask(control) };
}

/** What the labels did. */
export function deletionsOf(cases: readonly Omit<AnsweredCase, 'queryId'>[]): Deletions {
  const moving = cases.filter(({ before, after }) => before !== after);
  const staying = cases.filter(({ before, after }) => before === after);
  return {
    pairs: cases.length,
    shouldMove: moving.length,
    movedAsRuled: share(moving.map(({ after, now }) => now === after)),
    moved: share(moving.map(({ before, now }) => now !== before)),
    shouldStay: staying.length,
    stayed: share(staying.map(({ before, now }) => now === before)),
  };
}

/** None where the rules cannot judge what is left. */
function counterfactual({ instruction, lexicon }: Evaluated, pair: JudgedPair, less: Pair): Counterfactual[] {
  const [before, after] = [pair, less].map((each) => execute(instruction, lexicon, each).label);
  return before === undefined || after === undefined ? [] : [{ pair: less, queryId: pair.queryId, before, after }];
}

function share(flags: readonly boolean[]): number | null {
  return flags.length === 0 ? null : flags.filter(Boolean).length / flags.length;
}
