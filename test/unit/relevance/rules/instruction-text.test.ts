import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printInstruction, readInstruction } from '../../../../src/relevance/rules/instruction-text.ts';
import {
  instructionFromJson,
  instructionHash,
  instructionToJson,
} from '../../../../src/relevance/rules/instruction.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';
import { WORLD_INSTRUCTION } from '../../../../src/relevance/world/world-rules.ts';
import { anyInstruction } from './some-instructions.ts';

describe('an instruction as text', () => {
  it('prints rules with their sentences', () => {
    const lines = printInstruction(WORLD_INSTRUCTION).split('\n');
    expect(lines[0]).toBe('instruction "Rule world", version 0, 4 labels');
    expect(lines).toContain(
      'rule clothing-size-other (quantity, in "clothing"): when quantity is near or far, at most 0',
    );
    expect(lines).toContain('  Clothing in another size cannot be worn.');
  });

  it('round-trips through text and through JSON', () => {
    fc.assert(
      fc.property(anyInstruction, (instruction) => {
        expect(readInstruction(printInstruction(instruction))).toEqual(instruction);
        const copy = instructionFromJson(instructionToJson(instruction));
        expect(copy).toEqual(instruction);
        expect(instructionHash(copy)).toBe(instructionHash(instruction));
      }),
      { numRuns: 500 },
    );
    expect(readInstruction(printInstruction(WORLD_INSTRUCTION))).toEqual(WORLD_INSTRUCTION);
  });

  it('ignores comments and empty lines', () => {
    const text = printInstruction(startInstruction(4));
    expect(readInstruction(`# mine\n\n${text.replaceAll('\n', '\r\n\r\n# more\r\n')}`)).toEqual(startInstruction(4));
  });

  it.each([
    ['nothing', '', /Line 1.*Got an empty file/u],
    ['another header', 'rules', /Line 1.*Expected instruction "Name", version 0, 4 labels/u],
    [
      'a broken rule',
      'instruction "A", version 0, 4 labels\nrule x brand is other\n  Text.',
      /Line 2.*rule some-name/u,
    ],
    [
      'an unknown condition',
      'instruction "A", version 0, 4 labels\nrule x (brand): when the moon shines, at most 1\n  Text.',
      /Line 2.*the moon shines/u,
    ],
    [
      'an unknown relation',
      'instruction "A", version 0, 4 labels\nrule x (brand): when brand is funny, at most 1\n  Text.',
      /Rule "x", when/u,
    ],
    [
      'a rule without its sentence',
      'instruction "A", version 0, 4 labels\nrule x (brand): when brand is other, at most 1',
      /Line 2.*a sentence on the next line/u,
    ],
    [
      'a cap off the scale',
      'instruction "A", version 0, 2 labels\nrule x (brand): when brand is other, at most 3\n  Text.',
      /Rule "x" caps at a label outside the scale/u,
    ],
  ])('explains %s', (_, text, message) => {
    expect(() => readInstruction(text)).toThrow(message);
  });
});
