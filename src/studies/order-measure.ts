/**
 * The quality of answers whose label comes first, after the reasoning, or alone, and the cost of reaching it. The label
 * distribution is read right after the prompt or, where reasoning comes first, after the greedily generated reasoning:
 * at the position of its label or, if there is no label, after the whole completion. `answered` counts the former.
 */
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import { generateAll } from '../infer/generate.ts';
import { promptRoom } from '../infer/lab-model.ts';
import { scorePrompts } from '../infer/score.ts';
import { reportLabels, reportRanking } from '../relevance/metrics/label-report.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { type CompletionOrder, inOrder, type ParsedTrace, parseTrace, TraceParser } from '../relevance/trace/trace.ts';
import { EOS } from '../relevance/pair/vocabulary.ts';
import { type Evaluated, type ExpertPair, type ReasoningReport, reportReasoning } from '../train/evaluate.ts';

/** The quality of labels. */
export interface OrderLabels {
  readonly accuracy: number | null;
  readonly macroF1: number | null;
  readonly pairAccuracy: number | null;
  readonly labelEntropyNats: number | null;
  /** The share of right labels on pairs whose gold cites a tail rule, averaged over these rules. */
  readonly tailLabels: number | null;
  /** The share of completions with a label. */
  readonly answered: number;
  /** Tokens up to and including the label, averaged over completions with a label. */
  readonly tokensToLabel: number | null;
}

/** The quality of reasoning, for orders with reasoning. */
export interface OrderReasoning extends Pick<
  ReasoningReport,
  'distinctRules' | 'strictReward' | 'verifiedSteps' | 'labelTraceAgreement' | 'validTraces'
> {
  readonly headRecall: number | null;
  readonly tailRecall: number | null;
}

export interface OrderMeasures {
  readonly labels: OrderLabels;
  readonly reasoning: OrderReasoning | null;
}

/** Measures a model of an order on expert pairs. @throws {LabError} `aborted` */
export async function measureOrder(
  model: Evaluated,
  order: CompletionOrder,
  expert: readonly ExpertPair[],
  signal?: AbortSignal,
): Promise<OrderMeasures> {
  const { transformer, tokenizer, prompt } = model;
  const { scaleSize } = prompt;
  const prompts = promptsOf(model, expert);
  const written = await generateAll(transformer, prompts, { eosId: tokenizer.idOf(EOS), signal });
  const completions = written.map(({ ids }) => ids);
  const places = completions.map((ids) => labelPlace(tokenizer, ids, scaleSize, order));
  const asked = prompts.map((ids, i) => {
    const before = order === 'reason-first' ? (completions[i]?.slice(0, places[i] ?? Infinity) ?? []) : [];
    return Int32Array.from([...ids, ...before]).subarray(0, transformer.config.maxPositions);
  });
  const scores = await scorePrompts(transformer, tokenizer.labelIds(scaleSize), asked, { signal });
  const scored = expert.map(({ pair }, i) => ({
    queryId: pair.queryId,
    docId: pair.document.docId,
    label: pair.label,
    probabilities: scores[i]?.probabilities ?? [],
  }));
  const labels = reportLabels(scored, scaleSize);
  const isRight = expert.map(({ pair }, i) => scores[i]?.label === pair.label);
  const reached = places.flatMap((place) => (place === undefined ? [] : [place + 1]));
  const parsed = completions.map((ids) => parseTrace(tokenizer.decode(ids), scaleSize, order));
  return {
    labels: {
      accuracy: labels.accuracy.value,
      macroF1: labels.macroF1.value,
      pairAccuracy: reportRanking(scored).pairAccuracy.value,
      labelEntropyNats: labels.labelEntropyNats.value,
      tailLabels: tailLabels(expert, isRight, model.tailRules),
      answered: reached.length / expert.length,
      tokensToLabel: mean(reached),
    },
    reasoning: order === 'label-only' ? null : reasoningOf(model, order, expert, parsed),
  };
}

/** The cost of reaching the label of a single pair. */
export interface TimeToLabel {
  /** Median over the pairs. */
  readonly ms: number | null;
  /** Forward passes, mean over the pairs. */
  readonly passes: number | null;
}

/**
 * Times the way from a prompt to its label, pair by pair, on the current backend: the prompt is read once, and each
 * token before the label takes another pass. The first pair is run twice and timed once, so that no compilation is
 * timed.
 *
 * @param now - a clock in milliseconds
 */
export async function timeToLabel(
  { transformer, tokenizer, prompt }: Evaluated,
  order: CompletionOrder,
  pairs: readonly ExpertPair[],
  now: () => number,
): Promise<TimeToLabel> {
  const eosId = tokenizer.idOf(EOS);
  const prompts = promptsOf({ transformer, tokenizer, prompt }, pairs);
  const written = await generateAll(transformer, prompts, { eosId });
  const spans = written.map(({ ids }) => (labelPlace(tokenizer, ids, prompt.scaleSize, order) ?? ids.length - 1) + 1);
  const times: number[] = [];
  for (const [i, ids] of [...prompts.slice(0, 1), ...prompts].entries()) {
    const maxTokens = spans[Math.max(0, i - 1)] ?? 1;
    const startMs = now();
    await generateAll(transformer, [ids], { eosId, maxTokens });
    if (i > 0) times.push(now() - startMs);
  }
  return { ms: median(times), passes: mean(spans) };
}

/** The index of the label token; undefined if there is none at its position. */
function labelPlace(
  tokenizer: ModelTokenizer,
  ids: readonly number[],
  scaleSize: number,
  order: CompletionOrder,
): number | undefined {
  const parser = new TraceParser(scaleSize, order);
  const stream = tokenizer.stream();
  for (const [place, id] of ids.entries()) {
    for (const segment of stream.push(id)) if (parser.push(segment)?.kind === 'label') return place;
  }
  return undefined;
}

function reasoningOf(
  model: Evaluated,
  order: CompletionOrder,
  expert: readonly ExpertPair[],
  parsed: readonly ParsedTrace[],
): OrderReasoning {
  const cases = expert.map(({ pair, trace }) => ({ pair, trace: inOrder(trace, order) }));
  const { rules, ...report } = reportReasoning(model, cases, parsed);
  return { ...report, headRecall: rules.head.recall, tailRecall: rules.tail.recall };
}

/** The mean over tail rules, so that each rule counts the same however rare it is. */
function tailLabels(
  expert: readonly ExpertPair[],
  isRight: readonly boolean[],
  tailRules: ReadonlySet<number>,
): number | null {
  const shares = [...tailRules].flatMap((rule) => {
    const cases = isRight.filter((_, i) => expert[i]?.trace.steps.some((step) => step.rule === rule) === true);
    return mean(cases.map(Number)) ?? [];
  });
  return mean(shares);
}

function promptsOf(
  model: Pick<Evaluated, 'transformer' | 'tokenizer' | 'prompt'>,
  expert: readonly { readonly pair: JudgedPair }[],
): Int32Array[] {
  const { tokenizer, prompt } = model;
  return expert.map(({ pair }) => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}
