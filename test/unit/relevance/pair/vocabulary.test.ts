import { describe, expect, it } from 'vitest';
import { DOCUMENT_FIELDS } from '../../../../src/relevance/pair/pair.ts';
import { traceTokenMeaning } from '../../../../src/relevance/trace/trace-token.ts';
import {
  ANSWER,
  CRITERIA,
  EOS,
  EVIDENCE_SOURCES,
  fieldToken,
  labelToken,
  MAX_RULES,
  PAD,
  scaleToken,
  SPECIAL_TOKENS,
  VERDICTS,
} from '../../../../src/relevance/pair/vocabulary.ts';

describe('SPECIAL_TOKENS', () => {
  it('are distinct, all in the form <|...|>', () => {
    expect(new Set(SPECIAL_TOKENS).size).toBe(SPECIAL_TOKENS.length);
    for (const token of SPECIAL_TOKENS) expect(token).toMatch(/^<\|[a-z0-9:]+\|>$/);
  });

  it('start with padding and end, whose ids 0 and 1 are fixed', () => {
    expect(SPECIAL_TOKENS.slice(0, 2)).toEqual([PAD, EOS]);
  });

  it('include a label token for each label of each scale, and the fields', () => {
    for (let size = 2; size <= 6; size++) {
      expect(SPECIAL_TOKENS).toContain(scaleToken(size));
      for (let label = 0; label < size; label++) expect(SPECIAL_TOKENS).toContain(labelToken(size, label));
      expect(SPECIAL_TOKENS).not.toContain(labelToken(size, size));
    }
    for (const field of DOCUMENT_FIELDS) expect(SPECIAL_TOKENS).toContain(fieldToken(field));
  });
});

describe('traceTokenMeaning', () => {
  it('knows exactly the tokens of completions', () => {
    const meant = SPECIAL_TOKENS.filter((token) => traceTokenMeaning(token) !== undefined);
    const labels = 2 + 3 + 4 + 5 + 6;
    expect(meant).toHaveLength(labels + MAX_RULES + CRITERIA.length + EVIDENCE_SOURCES.length + VERDICTS.length + 1);
    expect(traceTokenMeaning(labelToken(4, 3))).toEqual({ kind: 'label', scaleSize: 4, label: 3 });
    expect(traceTokenMeaning(ANSWER)).toBeUndefined();
    expect(traceTokenMeaning('<|label:4:4|>')).toBeUndefined();
  });
});
