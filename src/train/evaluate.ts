/**
 * Evaluation on judged pairs: labels from one prefill each, reasoning from greedy completions, and the likelihood of
 * the expert's completions under the model.
 */
import * as tf from '@tensorflow/tfjs-core';
import { makeTrainingBatch, type Example } from '../data/batches.ts';
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import type { WordSplitter } from '../data/tokenizer/subword-splits.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import type { DecodingKind } from '../config/decoding.ts';
import { type Completion, generateAll } from '../infer/generate.ts';
import type { CompletionAutomaton } from '../infer/held/completion-automaton.ts';
import { automataOf } from '../infer/held/completion-holder.ts';
import { heldRow, passesAlong } from '../infer/held/held-rows.ts';
import { promptRoom } from '../infer/lab-model.ts';
import { type LabelScore, scorePrompts } from '../infer/score.ts';
import type { Transformer } from '../model/transformer.ts';
import {
  type LabelReport,
  type RankingReport,
  reportLabels,
  reportRanking,
} from '../relevance/metrics/label-report.ts';
import type { Instruction } from '../relevance/rules/instruction.ts';
import {
  type CitationMetrics,
  distinctRulesCited,
  invalidFormatRate,
  labelTraceAgreement,
  ruleCitations,
} from '../relevance/metrics/metrics-reasoning.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import type { PromptConfig, PromptField } from '../relevance/prompt/prompt.ts';
import { explainReward } from '../relevance/rules/reward.ts';
import {
  type CompletionOrder,
  inOrder,
  type ParsedTrace,
  parseTrace,
  printTrace,
  type Trace,
} from '../relevance/trace/trace.ts';
import { PairChecker } from '../relevance/rules/verify.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import { sftLoss } from './sft.ts';

/** A judged pair with the expert's trace. */
export interface ExpertPair {
  readonly pair: JudgedPair;
  readonly trace: Trace;
  /** Whether only the label is learned and measured, so that a model keeps the reasons that it gives. Default false. */
  readonly isLabelAlone?: boolean;
}

/** A model together with the rules that its completions refer to. */
export interface Evaluated extends Rules {
  readonly transformer: Transformer;
  readonly tokenizer: ModelTokenizer;
  readonly prompt: PromptConfig;
}

/** The quality of reasoning over a set of greedy completions. */
export interface ReasoningReport {
  readonly completions: number;
  /** The share that follow the grammar to the end and restate their first label. */
  readonly validTraces: number;
  readonly invalidFormat: number;
  /** Mean strict reward. */
  readonly strictReward: number;
  /** Steps that execution on the pair verifies, of all steps written; null if there are none. */
  readonly verifiedSteps: number | null;
  /** Completions whose cited rules imply their label, of those that parse. */
  readonly labelTraceAgreement: number | null;
  readonly rules: { readonly all: CitationMetrics; readonly head: CitationMetrics; readonly tail: CitationMetrics };
  readonly distinctRules: number;
  /** Label accuracy on pairs decided by head rules only, and on pairs whose gold cites a tail rule. */
  readonly headLabelAccuracy: number | null;
  readonly tailLabelAccuracy: number | null;
  /** Means over the completions; passes are those that each takes by itself. */
  readonly tokensPerCompletion: number;
  readonly passesPerCompletion: number;
}

/** What {@link reportReasoning} reports. */
type TraceReport = Omit<
  ReasoningReport,
  'headLabelAccuracy' | 'tailLabelAccuracy' | 'tokensPerCompletion' | 'passesPerCompletion'
>;

/** Everything {@link evaluate} measures. */
export interface Evaluation {
  readonly pairs: number;
  readonly queries: number;
  readonly labels: LabelReport;
  readonly ranking: RankingReport;
  /** Mean probability of all label tokens in the full vocabulary. */
  readonly labelMass: number;
  /** Mean negative log-likelihood per token of the expert's completions, in nats: the forward KL up to a constant. */
  readonly expertLossNats: number;
  readonly reasoning: ReasoningReport | null;
  /** The label of each pair, and of the first pairs the completion. */
  readonly answers: { readonly scores: readonly LabelScore[]; readonly completions: readonly WrittenReasons[] };
}

/** The extent of an evaluation. */
export interface EvaluateOptions {
  /** Greedy completions, of the first pairs; default 0. */
  readonly completions?: number;
  /** What completions are held to, default nothing (`free`). */
  readonly decoding?: DecodingKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The training example of an expert pair, truncated to fit into a model, and the fields that lost words to that or to
 * the limits of the prompt.
 *
 * @param splitWord - splits words before tokenization, alike in prompt and completion
 * @param order - of the completion; parts that it has no place for are left out
 */
export function encodeFitting(
  tokenizer: ModelTokenizer,
  prompt: PromptConfig,
  { pair, trace, isLabelAlone = false }: ExpertPair,
  {
    transformer,
    splitWord,
    order = 'answer-first',
  }: {
    readonly splitWord?: WordSplitter | undefined;
    readonly order?: CompletionOrder | undefined;
  } & Parameters<typeof promptRoom>[0],
): { readonly example: Example; readonly cutFields: readonly PromptField[] } {
  const whole = tokenizer.encode(printTrace(inOrder(trace, order), order), splitWord);
  const completion = Int32Array.from(isLabelAlone ? whole.slice(0, 1) : whole);
  // An expert's completion may be longer than the room that is reserved when answering.
  const maxTokens = Math.min(promptRoom({ transformer }), transformer.config.maxPositions - completion.length);
  const { ids, cutFields } = encodePrompt(tokenizer, pair, prompt, maxTokens, splitWord);
  return { example: { prompt: ids, completion }, cutFields };
}

/**
 * Evaluates a model on expert pairs.
 *
 * @throws {LabError} `aborted`; `bad-shape` without pairs
 */
export async function evaluate(
  model: Evaluated,
  expert: readonly ExpertPair[],
  { completions = 0, decoding = 'free', signal }: EvaluateOptions = {},
): Promise<Evaluation> {
  const { tokenizer, prompt } = model;
  const examples = expert.map((item) => encodeFitting(tokenizer, prompt, item, model).example);
  // The room is the one used when answering, so that the prompt does not depend on the expert's completion.
  const prompts = expert.map(({ pair }) => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids);
  const labelIds = model.tokenizer.labelIds(model.prompt.scaleSize);
  const nameOf = (index: number): string => {
    const { queryId = '', document } = expert[index]?.pair ?? {};
    return `the pair of the query "${queryId}" and the document "${document?.docId ?? ''}"`;
  };
  const scores = await scorePrompts(model.transformer, labelIds, prompts, { signal, nameOf });
  const scored = expert.map(({ pair }, i) => ({
    queryId: pair.queryId,
    docId: pair.document.docId,
    label: pair.label,
    probabilities: scores[i]?.probabilities ?? [],
  }));
  const cases = expert.slice(0, completions);
  const written = cases.length === 0 ? [] : await writeReasons(model, cases, prompts, { decoding, signal });
  return {
    pairs: expert.length,
    queries: new Set(expert.map(({ pair }) => pair.queryId)).size,
    labels: reportLabels(scored, model.prompt.scaleSize),
    ranking: reportRanking(scored),
    labelMass: mean(scores.map(({ labelMass }) => labelMass)),
    expertLossNats: await expertLoss(model.transformer, examples),
    reasoning: written.length === 0 ? null : evaluateReasoning(model, expert, scores, written),
    answers: { scores, completions: written },
  };
}

function evaluateReasoning(
  model: Evaluated,
  expert: readonly ExpertPair[],
  scores: readonly LabelScore[],
  written: readonly WrittenReasons[],
): ReasoningReport {
  const cases = expert.slice(0, written.length);
  const isTail = cases.map(({ trace }) => trace.steps.some(({ rule }) => model.tailRules.has(rule)));
  const isRight = cases.map(({ pair }, i) => scores[i]?.label === pair.label);
  return {
    ...reportReasoning(
      model,
      cases,
      written.map(({ parsed }) => parsed),
    ),
    headLabelAccuracy: share(isRight.filter((_, i) => isTail[i] === false)),
    tailLabelAccuracy: share(isRight.filter((_, i) => isTail[i] === true)),
    tokensPerCompletion: mean(written.map(({ tokens }) => tokens)),
    passesPerCompletion: mean(written.map(({ passes }) => passes)),
  };
}

/** A completion, read, with what it took. */
export interface WrittenReasons {
  readonly ids: readonly number[];
  readonly parsed: ParsedTrace;
  readonly tokens: number;
  /** Forward passes that it takes by itself: none for a token that was the only one it could have had. */
  readonly passes: number;
}

/**
 * The greedy completions of pairs.
 *
 * @param prompts - of the pairs, in their order
 * @throws {LabError} `aborted`
 */
export async function writeReasons(
  model: Evaluated,
  cases: readonly ExpertPair[],
  prompts: readonly Int32Array[],
  { decoding, signal }: { readonly decoding: DecodingKind; readonly signal?: AbortSignal | undefined },
): Promise<WrittenReasons[]> {
  const { transformer, tokenizer } = model;
  const pairs = cases.map(({ pair }) => pair);
  const automata = automataOf(model, decoding, pairs);
  const options = { eosId: tokenizer.idOf(EOS), automata, signal };
  const completions = await generateAll(transformer, prompts.slice(0, cases.length), options);
  return completions.map((completion, i) => ({
    ids: completion.ids,
    parsed: parseTrace(tokenizer.decode(completion.ids), model.prompt.scaleSize),
    tokens: completion.ids.length,
    passes: passesOf(completion, automata?.[i]),
  }));
}

function passesOf({ ids, limit = Infinity }: Completion, automaton: CompletionAutomaton | undefined): number {
  return automaton === undefined ? ids.length : passesAlong(heldRow(automaton, limit), ids);
}

/** The quality of parsed completions compared with the expert's. @throws {LabError} `bad-shape` without completions */
export function reportReasoning(
  rules: Rules,
  cases: readonly ExpertPair[],
  parsed: readonly ParsedTrace[],
): TraceReport {
  const { instruction, lexicon, tailRules } = rules;
  const impliedLabel = (rule: number): number | undefined => instruction.rules[rule]?.cap;
  const reasoned = cases.map(({ pair, trace }, i) => ({ pair, gold: trace, parsed: parsed[i] ?? parseTrace([]) }));
  const verified = reasoned.flatMap(({ pair, parsed: each }) => {
    const checker = new PairChecker(rules, pair);
    return (each.ok ? each.trace.steps : each.steps).map((step) => checker.checkStep(step).status === 'verified');
  });
  return {
    completions: cases.length,
    validTraces: parsed.filter((r) => r.ok && r.trace.label === r.trace.restated).length / cases.length,
    invalidFormat: invalidFormatRate(parsed),
    strictReward: mean(
      reasoned.map(
        ({ pair, gold, parsed: each }) =>
          explainReward(each, { pair, folding: lexicon.folding, gold, impliedLabel }).total,
      ),
    ),
    verifiedSteps: share(verified),
    labelTraceAgreement: labelTraceAgreement(parsed, (trace) => lowestCap(trace, instruction)),
    rules: ruleCitations(reasoned, (rule) => tailRules.has(rule)),
    distinctRules: distinctRulesCited(parsed),
  };
}

function lowestCap(trace: Trace, instruction: Instruction): number | undefined {
  const caps = trace.steps.flatMap(({ rule }) => instruction.rules[rule]?.cap ?? []);
  return caps.length === 0 ? undefined : Math.min(...caps);
}

/** The mean negative log-likelihood per completion token, in nats. */
async function expertLoss(transformer: Transformer, examples: readonly Example[], batchSize = 32): Promise<number> {
  const sorted = [...examples].sort((a, b) => totalLength(a) - totalLength(b));
  let sumNats = 0;
  let tokens = 0;
  for (let start = 0; start < sorted.length; start += batchSize) {
    const batch = makeTrainingBatch(sorted.slice(start, start + batchSize));
    const loss = tf.tidy(() => sftLoss(transformer, batch));
    const count = batch.weights.reduce((sum, weight) => sum + weight, 0);
    sumNats += ((await loss.data())[0] ?? NaN) * count; // GPU -> CPU sync
    tokens += count;
    loss.dispose();
  }
  return sumNats / tokens;
}

function totalLength({ prompt, completion }: Example): number {
  return prompt.length + completion.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function share(flags: readonly boolean[]): number | null {
  return flags.length === 0 ? null : flags.filter(Boolean).length / flags.length;
}
