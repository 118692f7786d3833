import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';

describe('an error', () => {
  it('is sentences: what is wrong, what was expected, what came, and what to do', () => {
    const error = new LabError('bad-file', { message: 'It is empty.', expected: 'rows', got: 'none', fix: 'Add one.' });
    expect(error.message).toBe('It is empty. Expected rows. Got none. Add one.');
  });

  it('quotes the sentence of another error without a second full stop', () => {
    const row = 'Row 1, column "query": the query is missing.';
    expect(new LabError('bad-file', { message: 'It has no pair.', got: row }).message).toBe(
      `It has no pair. Got ${row}`,
    );
  });
});
