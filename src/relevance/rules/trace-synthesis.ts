/**
 * Expert data from human judgments: for a pair and its gold label, the trace by which an instruction reaches that
 * label, with evidence copied from the pair. Nothing is forced: a pair on which the instruction implies another label
 * or none, or whose trace does not verify step by step, is left out and counted.
 */
import { traceOf } from './execute.ts';
import type { Instruction } from './instruction.ts';
import type { Lexicon } from '../pair/lexicon.ts';
import type { JudgedPair } from '../pair/pair.ts';
import type { Trace } from '../trace/trace.ts';
import { PairChecker } from './verify.ts';

/** Why a pair has no trace. */
export type NoTraceReason = 'no rule fires' | 'contradicts gold' | 'does not verify';

/** A trace, or why there is none. `implied` is the label of the instruction. */
export type Synthesis =
  | { readonly ok: true; readonly trace: Trace }
  | { readonly ok: false; readonly reason: NoTraceReason; readonly implied: number | undefined };

/** Outcomes over many pairs; `traced + contradicting + uncovered + unverified = pairs`. */
export interface SynthesisCounts {
  readonly pairs: number;
  readonly traced: number;
  readonly contradicting: number;
  readonly uncovered: number;
  readonly unverified: number;
  /** Contradicting pairs [R,R]: rows are gold labels, columns implied labels. */
  readonly contradictions: readonly (readonly number[])[];
}

/** A pair with its verified trace. */
export interface TracedPair {
  readonly pair: JudgedPair;
  readonly trace: Trace;
}

/** The verified trace of one judged pair under an instruction; its title is not typed. Never throws. */
export function synthesiseTrace(instruction: Instruction, lexicon: Lexicon, pair: JudgedPair): Synthesis {
  const checker = new PairChecker({ instruction, lexicon, readsTitles: false }, pair);
  const { execution } = checker;
  const implied = execution.label;
  const trace = traceOf(instruction, execution);
  if (trace === undefined) return { ok: false, reason: 'no rule fires', implied };
  if (trace.label !== pair.label) return { ok: false, reason: 'contradicts gold', implied };
  const { status, checks } = checker.checkTrace(trace);
  const isVerified = status === 'agree' && checks.every((check) => check.status === 'verified');
  return isVerified ? { ok: true, trace } : { ok: false, reason: 'does not verify', implied };
}

/** The traces of many pairs, in order, and the outcome counts. */
export function synthesiseTraces(
  instruction: Instruction,
  lexicon: Lexicon,
  pairs: Iterable<JudgedPair>,
): { readonly traced: readonly TracedPair[]; readonly counts: SynthesisCounts } {
  const { scaleSize } = instruction;
  const traced: TracedPair[] = [];
  const contradictions = Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0));
  const left: Record<NoTraceReason, number> = { 'no rule fires': 0, 'contradicts gold': 0, 'does not verify': 0 };
  for (const pair of pairs) {
    const synthesis = synthesiseTrace(instruction, lexicon, pair);
    if (synthesis.ok) {
      traced.push({ pair, trace: synthesis.trace });
      continue;
    }
    left[synthesis.reason] += 1;
    const row = contradictions[pair.label];
    if (synthesis.reason === 'contradicts gold' && row !== undefined && synthesis.implied !== undefined) {
      row[synthesis.implied] = (row[synthesis.implied] ?? 0) + 1;
    }
  }
  const contradicting = left['contradicts gold'];
  const uncovered = left['no rule fires'];
  const unverified = left['does not verify'];
  const total = traced.length + contradicting + uncovered + unverified;
  return {
    traced,
    counts: { pairs: total, traced: traced.length, contradicting, uncovered, unverified, contradictions },
  };
}
