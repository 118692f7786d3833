/**
 * Measures of a model's completions under each decoding (E11). Labels are read from the completions, so that a decoding
 * that changes labels is noticed.
 */
import * as v from 'valibot';
import { type DecodingKind, DECODINGS } from '../config/decoding.ts';
import { encodePrompt } from '../data/tokenizer/encode-prompt.ts';
import { promptRoom } from '../infer/lab-model.ts';
import { type Evaluated, type ExpertPair, reportReasoning, writeReasons } from '../train/evaluate.ts';
import { count, rounded } from './findings.ts';

const number = v.nullable(v.number());

/** The measures, in the order of tables. */
export const HELD_MEASURES = [
  'valid',
  'verifiedSteps',
  'withSteps',
  'headRecall',
  'tailRecall',
  'accuracy',
  'tokens',
  'passes',
] as const;
export type HeldMeasure = (typeof HELD_MEASURES)[number];

const HeldMeasuresSchema = v.strictObject({
  /** Share of completions that follow the grammar to the end and restate their first label. */
  valid: number,
  /** Share of steps that verify; null without steps. */
  verifiedSteps: number,
  /** Share of completions with at least one step. */
  withSteps: number,
  /** Shares of gold rules that are cited. */
  headRecall: number,
  tailRecall: number,
  /** Of the labels that completions begin with. */
  accuracy: number,
  /** Means over completions; `passes` are forward passes of a completion generated alone. */
  tokens: number,
  passes: number,
});
export type HeldMeasures = v.InferOutput<typeof HeldMeasuresSchema>;

/** The measures of one model under each decoding. */
export const DecodingMeasuresSchema = v.strictObject({
  completions: count,
  free: HeldMeasuresSchema,
  grammar: HeldMeasuresSchema,
  grounded: HeldMeasuresSchema,
});
export type DecodingMeasures = v.InferOutput<typeof DecodingMeasuresSchema>;

/** Measures a model on expert pairs. @throws {LabError} `aborted` */
export async function measureHeld(
  model: Evaluated,
  cases: readonly ExpertPair[],
  signal?: AbortSignal,
): Promise<DecodingMeasures> {
  const { tokenizer, prompt } = model;
  const prompts = cases.map(({ pair }) => encodePrompt(tokenizer, pair, prompt, promptRoom(model)).ids);
  const measured = new Map<DecodingKind, HeldMeasures>();
  for (const decoding of DECODINGS) {
    const written = await writeReasons(model, cases, prompts, { decoding, signal });
    const parsed = written.map((each) => each.parsed);
    const { validTraces, verifiedSteps, rules } = reportReasoning(model, cases, parsed);
    const share = (holds: (i: number) => boolean): number => mean(cases.map((_, i) => Number(holds(i))));
    measured.set(decoding, {
      valid: rounded(validTraces),
      verifiedSteps: rounded(verifiedSteps),
      withSteps: rounded(share((i) => stepsOf(parsed[i]) > 0)),
      headRecall: rounded(rules.head.recall),
      tailRecall: rounded(rules.tail.recall),
      accuracy: rounded(share((i) => parsed[i]?.answer === cases[i]?.pair.label)),
      tokens: rounded(mean(written.map(({ tokens }) => tokens))),
      passes: rounded(mean(written.map(({ passes }) => passes))),
    });
  }
  const of = (decoding: DecodingKind): HeldMeasures => measured.get(decoding) ?? NO_MEASURES;
  return { completions: cases.length, free: of('free'), grammar: of('grammar'), grounded: of('grounded') };
}

const NO_MEASURES = Object.fromEntries(HELD_MEASURES.map((name) => [name, null])) as HeldMeasures;

function stepsOf(parsed: Awaited<ReturnType<typeof writeReasons>>[number]['parsed'] | undefined): number {
  if (parsed === undefined) return 0;
  return (parsed.ok ? parsed.trace.steps : parsed.steps).length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
