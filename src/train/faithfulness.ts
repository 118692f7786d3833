/**
 * Faithfulness: whether a model's label depends on the evidence that it cites. The cited words are deleted from the
 * document, the rules are executed on the rest, and the model is asked again. Where the rules now imply another label,
 * the label of a faithful model changes to it; where they imply the same label, it stays. As a control, the same number
 * of other words is deleted.
 *
 * Wrong answers and answers that cite no words of the document are left out, because they are not informative here.
 */
import { Rng } from '../common/rng.ts';
import type { DecodingKind } from '../config/decoding.ts';
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import { generateAll } from '../infer/generate.ts';
import { automataOf } from '../infer/held/completion-holder.ts';
import { promptRoom } from '../infer/lab-model.ts';
import { scorePrompts } from '../infer/score.ts';
import { otherWords, withoutEvidence } from '../relevance/rules/counterfactual.ts';
import { execute } from '../relevance/rules/execute.ts';
import type { JudgedPair, Pair } from '../relevance/pair/pair.ts';
import { parseTrace } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import type { Evaluated, ExpertPair } from './evaluate.ts';

/** Label changes after words were deleted from documents. */
export interface Deletions {
  readonly pairs: number;
  /** Cases where the rules imply another label, and the shares of labels that changed to it, or changed at all. */
  readonly shouldMove: number;
  readonly movedAsRuled: number | null;
  readonly moved: number | null;
  /** Cases where the rules imply the same label, and the share of labels that stayed. */
  readonly shouldStay: number;
  readonly stayed: number | null;
}

/** Everything {@link measureFaithfulness} measures. */
export interface Faithfulness {
  /** Answers examined, and those of them that were right and cite words of the document. */
  readonly completions: number;
  readonly usable: number;
  readonly cited: Deletions;
  readonly control: Deletions;
}

/** A model's answer after words were deleted from a document. */
export interface AnsweredCase {
  readonly queryId: string;
  /** The label that the rules imply before and after. */
  readonly before: number;
  readonly after: number;
  /** The model's label. */
  readonly now: number;
}

/** All answers after deletions. */
export interface AnsweredDeletions {
  /** As {@link Faithfulness} counts them. */
  readonly completions: number;
  readonly usable: number;
  readonly cited: readonly AnsweredCase[];
  readonly control: readonly AnsweredCase[];
}

/** How answers are written whose citations are taken out. */
interface AnswerDeletionsOptions {
  /** What they are held to, default nothing (`free`). */
  readonly decoding?: DecodingKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A pair with words deleted, and the label that the rules imply before and after. */
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
  options: AnswerDeletionsOptions = {},
): Promise<Faithfulness> {
  const { completions, usable, cited, control } = await answerDeletions(model, expert, options);
  return { completions, usable, cited: deletionsOf(cited), control: deletionsOf(control) };
}

/**
 * Asks a model again about expert pairs of a rule world, without the words it cites and without as many other words.
 *
 * @throws {LabError} `aborted`
 */
export async function answerDeletions(
  model: Evaluated,
  expert: readonly ExpertPair[],
  { decoding = 'free', signal }: AnswerDeletionsOptions = {},
): Promise<AnsweredDeletions> {
  const { transformer, tokenizer, prompt } = model;
  const { folding } = model.lexicon;
  const promptOf = (pair: Pair): Int32Array => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids;
  const prompts = expert.map(({ pair }) => promptOf(pair));
  const labelIds = tokenizer.labelIds(prompt.scaleSize);
  const answers = await scorePrompts(transformer, labelIds, prompts, { signal });
  const pairs = expert.map(({ pair }) => pair);
  const automata = automataOf(model, decoding, pairs);
  const written = await generateAll(transformer, prompts, { eosId: tokenizer.idOf(EOS), automata, signal });
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
    const asked = cases.map(({ pair }) => promptOf(pair));
    const scores = await scorePrompts(transformer, labelIds, asked, { signal });
    return cases.flatMap(({ queryId, before, after }, i) => {
      const now = scores[i]?.label;
      return now === undefined ? [] : [{ queryId, before, after, now }];
    });
  };
  return { completions: expert.length, usable: usable.length, cited: await ask(cited), control: await ask(control) };
}

/** Counts label changes. */
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

/** Empty where the rules cannot judge the rest. */
function counterfactual({ instruction, lexicon }: Evaluated, pair: JudgedPair, less: Pair): Counterfactual[] {
  const [before, after] = [pair, less].map((each) => execute(instruction, lexicon, each).label);
  return before === undefined || after === undefined ? [] : [{ pair: less, queryId: pair.queryId, before, after }];
}

function share(flags: readonly boolean[]): number | null {
  return flags.length === 0 ? null : flags.filter(Boolean).length / flags.length;
}
