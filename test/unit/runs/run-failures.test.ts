import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { faultError, memoryNamed } from '../../../src/runs/run-failures.ts';

describe('a thrown error', () => {
  it.each([
    new RangeError('Array buffer allocation failed'), // Chrome, Node
    new RangeError('Invalid typed array length: 5000000000'),
    new Error('Aborted(OOM)'), // Emscripten
    new RangeError('Out of memory'), // Safari
  ])('that reports a lack of memory becomes an error with a fix: %s', (error) => {
    expect(memoryNamed(error)).toMatchObject({ code: 'out-of-memory', cause: error });
  });

  it.each([new Error('the room is gone'), new LabError('bad-file', { message: 'Out of memory of mine.' }), 'text'])(
    'that says anything else stays as it is: %s',
    (error) => {
      expect(memoryNamed(error)).toBe(error);
    },
  );
});

describe('a fault of the backend', () => {
  it.each([
    ['lost', 'no-backend'],
    ['out-of-memory', 'out-of-memory'],
    ['invalid', 'internal'],
  ] as const)("%s is a typed failure with the browser's message", (kind, code) => {
    expect(faultError({ kind, message: 'in its words' })).toMatchObject({
      code,
      message: expect.stringContaining('in its words') as string,
    });
  });
});
