/**
 * The meaning of each special token inside a completion. The parser reads by it, and grammar-constrained decoding masks
 * by it: a token may come next if the kind of its meaning is among `TraceParser.allowedNext()`.
 */
import { MAX_SCALE, MIN_SCALE } from '../pair/labels.ts';
import {
  CRITERIA,
  type Criterion,
  criterionToken,
  EOS,
  EVIDENCE_SOURCES,
  type EvidenceSource,
  evidenceToken,
  labelToken,
  MAX_RULES,
  ruleToken,
  type Verdict,
  VERDICTS,
  verdictToken,
} from '../pair/vocabulary.ts';

export type TraceTokenMeaning =
  | { readonly kind: 'label'; readonly scaleSize: number; readonly label: number }
  | { readonly kind: 'rule'; readonly rule: number }
  | { readonly kind: 'criterion'; readonly criterion: Criterion }
  | { readonly kind: 'evidence'; readonly source: EvidenceSource }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'eos' };

/** The content of a position of a completion: a special token of some kind, or text. */
export type TraceTokenKind = TraceTokenMeaning['kind'] | 'text';

/** The meaning of a special token; undefined for tokens that no completion has. */
export function traceTokenMeaning(token: string): TraceTokenMeaning | undefined {
  return MEANINGS.get(token);
}

const MEANINGS: ReadonlyMap<string, TraceTokenMeaning> = new Map<string, TraceTokenMeaning>([
  ...labels(),
  ...Array.from({ length: MAX_RULES }, (_, rule) => [ruleToken(rule), { kind: 'rule', rule }] as const),
  ...CRITERIA.map((criterion) => [criterionToken(criterion), { kind: 'criterion', criterion }] as const),
  ...EVIDENCE_SOURCES.map((source) => [evidenceToken(source), { kind: 'evidence', source }] as const),
  ...VERDICTS.map((verdict) => [verdictToken(verdict), { kind: 'verdict', verdict }] as const),
  [EOS, { kind: 'eos' }],
]);

function* labels(): Generator<readonly [string, TraceTokenMeaning]> {
  for (let scaleSize = MIN_SCALE; scaleSize <= MAX_SCALE; scaleSize++) {
    for (let label = 0; label < scaleSize; label++) {
      yield [labelToken(scaleSize, label), { kind: 'label', scaleSize, label }];
    }
  }
}
