/**
 * One pair, answered: the label from one prefill, then the reasoning token by token, each step executed on the pair as
 * soon as it is complete. The events and their order are those of `protocol/scoring.ts`.
 */
import { throwIfAborted } from '../common/errors.ts';
import { type DecodingKind, defaultDecoding } from '../config/decoding.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { EvidenceSpan, LabelEvent, ScoringEvent, StepEvent } from '../protocol/scoring.ts';
import { locateEvidence } from '../relevance/rules/evidence-places.ts';
import type { Pair } from '../relevance/pair/pair.ts';
import { describeSegments } from '../relevance/trace/segments.ts';
import { type Trace, type TraceEvent, TraceParser, type TraceStep } from '../relevance/trace/trace.ts';
import { EOS, labelToken } from '../relevance/pair/vocabulary.ts';
import { PairChecker } from '../relevance/rules/verify.ts';
import { Decoding } from './decoding.ts';
import { holderOf } from './held/completion-holder.ts';
import { advanced, heldRow } from './held/held-rows.ts';
import type { LabModel } from './lab-model.ts';
import { checkSampler, GREEDY, type SamplerConfig } from './sampler.ts';
import { labelScore } from './score.ts';
import { encodeFor } from './score-pairs.ts';

/** How to answer. */
export interface AnswerOptions {
  /** Whether the reasoning follows the label, default true. */
  readonly reason?: boolean;
  /** How the tokens after the label are chosen, default the most likely ones. */
  readonly sampler?: SamplerConfig | undefined;
  /** What the reasoning is held to, default its pair (`grounded`) where the model has rules. */
  readonly decoding?: DecodingKind | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly emit: (event: ScoringEvent) => void;
  /** Called with each token of the completion, the label first. */
  readonly onToken?: ((id: number) => void) | undefined;
}

/**
 * Answers a pair; resolves after the `done` event.
 *
 * @throws {LabError} `aborted`, at the next token after the signal fired; `bad-config` for an invalid sampler
 */
export async function answerPair(model: LabModel, pair: Pair, options: AnswerOptions): Promise<void> {
  const {
    reason = true,
    sampler = GREEDY,
    decoding: kind = defaultDecoding(model.instruction),
    signal,
    emit,
  } = options;
  throwIfAborted(signal);
  checkSampler(sampler);
  const { tokenizer, prompt, transformer } = model;
  const startMs = performance.now();
  await model.vectors?.read?.([pair]);
  const { ids, cutFields } = encodeFor(model, pair);
  const room = Math.min(tokenizer.longestCompletion, transformer.config.maxPositions - ids.length + 1);
  const decoding = Decoding.start(transformer, [ids], reason ? room : 0);
  try {
    const answer = labelScore(await decoding.nextLogits(), tokenizer.labelIds(prompt.scaleSize), 'the pair');
    const prefillMs = performance.now() - startMs;
    emit({
      kind: 'label',
      label: answer.label,
      probabilities: [...answer.probabilities],
      score: answer.score,
      labelMass: answer.labelMass,
      prefillMs,
      promptTokens: ids.length,
      cutFields: [...cutFields],
    } satisfies LabelEvent);
    if (reason) {
      const labelId = tokenizer.idOf(labelToken(prompt.scaleSize, answer.label));
      decoding.choose(Int32Array.of(labelId));
      const automaton = holderOf({ ...model, folding: model.lexicon.folding }, kind)?.automatonOf(pair);
      const held = automaton === undefined ? undefined : advanced(heldRow(automaton, room), labelId);
      if (held !== undefined) decoding.hold([held]);
      const request = { sampler, eosId: tokenizer.idOf(EOS), rowIds: [0], position: 1 };
      const ids = decoding.stream(room - 1, request);
      await streamReasoning(model, pair, answer.label, { ids, passes: () => decoding.passes }, options);
    }
  } finally {
    decoding.dispose();
  }
}

async function streamReasoning(
  model: LabModel,
  pair: Pair,
  label: number,
  { ids, passes }: { readonly ids: AsyncIterable<number>; readonly passes: () => number },
  { emit, signal, onToken }: AnswerOptions,
): Promise<void> {
  const { tokenizer, prompt } = model;
  const checker = new PairChecker(model, pair);
  const startMs = performance.now();
  const eosId = tokenizer.idOf(EOS);
  const stream = tokenizer.stream();
  const parser = new TraceParser(prompt.scaleSize);
  let tokens = 0;
  let restated: number | null = null;
  const show = (id: number): void => {
    tokens += 1;
    onToken?.(id);
    for (const segment of id === eosId ? [...stream.end(), ...stream.push(id)] : stream.push(id)) {
      emit({ kind: 'text', text: describeSegments([segment]) });
      const event = parser.push(segment);
      if (event?.kind === 'step') emit(stepEvent(model, pair, checker, event.index, event.step));
      if (event?.kind === 'restated') restated = event.label;
    }
  };
  const checkStop = async (): Promise<void> => {
    await yieldToMessages(); // a cancellation may be waiting
    throwIfAborted(signal);
  };

  show(tokenizer.idOf(labelToken(prompt.scaleSize, label)));
  await checkStop();
  for await (const id of ids) {
    show(id);
    if (parser.isOver) break;
    await checkStop();
  }

  const parsed = parser.finish();
  const trace: Trace = parsed.ok
    ? parsed.trace
    : { scaleSize: prompt.scaleSize, label, steps: parsed.steps, restated: restated ?? label };
  const { status } = checker.checkTrace(trace);
  const contradictsItself = restated !== null && restated !== label;
  emit({
    kind: 'done',
    restated,
    complete: parsed.ok,
    agreement: contradictsItself || status === 'disagree' ? 'disagrees' : status === 'agree' ? 'agrees' : 'unknown',
    ...(parsed.ok ? {} : { problem: problemOf(parsed.failure) }),
    tokens,
    passes: passes(),
    decodeMs: performance.now() - startMs,
  });
}

function stepEvent(model: LabModel, pair: Pair, checker: PairChecker, index: number, step: TraceStep): StepEvent {
  const { instruction, lexicon } = model;
  const { status, reason } = checker.checkStep(step);
  return {
    kind: 'step',
    index,
    step: { ...step, evidence: step.evidence.map((evidence) => ({ ...evidence })) },
    check: status,
    reason,
    ruleText: instruction.rules[step.rule]?.text ?? `Rule ${step.rule} is not in the instruction.`,
    // Located in the original fields, because facts read from a title are there.
    spans: step.evidence.flatMap((evidence) => locateEvidence(lexicon.folding, pair, evidence).map(toSpan)),
  };
}

function toSpan(place: ReturnType<typeof locateEvidence>[number]): EvidenceSpan {
  const { start, end } = place;
  switch (place.in.kind) {
    case 'query':
      return { field: 'query', start, end };
    case 'field':
      return { field: place.in.field, start, end };
    case 'attribute':
      return { field: 'attributes', attribute: place.in.name, start, end };
    default:
      return place.in satisfies never;
  }
}

function problemOf({ expected, got }: Extract<TraceEvent, { kind: 'failed' }>['failure']): string {
  return `The reasoning stopped following its grammar: expected ${expected}, got ${got}.`;
}
