import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabError } from '../../../../src/common/errors.ts';
import {
  instructionFromJson,
  instructionHash,
  instructionToJson,
  instructionToText,
  parseInstruction,
  ruleIndex,
} from '../../../../src/relevance/rules/instruction.ts';
import { DEFAULT_SCALE } from '../../../../src/relevance/pair/labels.ts';
import { WORLD_INSTRUCTION } from '../../../../src/relevance/world/world-rules.ts';

const RULE = {
  id: 'brand-other',
  criterion: 'brand',
  when: { kind: 'brand', is: ['other'] },
  cap: 1,
  text: 'Another brand.',
};
const INSTRUCTION = { name: 'Test', version: 0, scaleSize: 4, rules: [RULE] };

function errorOf(action: () => unknown): LabError {
  try {
    action();
  } catch (error) {
    return error as LabError;
  }
  throw new Error('nothing was thrown');
}

describe('parseInstruction', () => {
  it('accepts every kind of condition', () => {
    const conditions = [
      { kind: 'type', is: ['alternative'] },
      { kind: 'attribute', is: ['other', 'absent'], of: 'colour' },
      { kind: 'quantity', is: ['larger'] },
      { kind: 'unasked', attribute: 'condition', values: ['used'] },
      { kind: 'overlap', field: 'title', is: 'below', share: 0.5 },
    ];
    const rules = conditions.map((when, i) => ({ ...RULE, id: `rule-${i}`, when }));
    expect(parseInstruction({ ...INSTRUCTION, rules }).rules).toHaveLength(conditions.length);
  });

  it.each([
    ['an unknown key in a rule', { ...RULE, weight: 2 }, 'weight'],
    ['an unknown key in a condition', { ...RULE, when: { ...RULE.when, of: 'colour' } }, 'when, of'],
    ['an unknown relation', { ...RULE, when: { kind: 'brand', is: ['near'] } }, 'when, is'],
    ['a condition without relations', { ...RULE, when: { kind: 'brand', is: [] } }, 'when, is'],
    ['an unknown criterion', { ...RULE, criterion: 'price' }, 'criterion'],
    ['a cap outside the scale', { ...RULE, cap: 4 }, 'outside the scale'],
  ])('names the rule for %s', (_name, rule, place) => {
    const error = errorOf(() => parseInstruction({ ...INSTRUCTION, rules: [rule] }));
    expect(error.code).toBe('bad-instruction');
    expect(error.message).toContain('"brand-other"');
    expect(error.message).toContain(place);
  });

  it('rejects repeated ids, unknown keys at the top, unknown versions and no rules', () => {
    for (const bad of [{ rules: [RULE, RULE] }, { author: 'me' }, { version: 4 }, { rules: [] }]) {
      expect(errorOf(() => parseInstruction({ ...INSTRUCTION, ...bad })).code).toBe('bad-instruction');
    }
  });

  it('throws nothing but bad-instruction on arbitrary JSON', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (json) => {
        expect(errorOf(() => instructionFromJson(json)).code).toBe('bad-instruction');
      }),
    );
  });
});

describe('exports', () => {
  it('survives JSON', () => {
    expect(instructionFromJson(instructionToJson(WORLD_INSTRUCTION))).toEqual(WORLD_INSTRUCTION);
  });

  it('hashes only what decides labels, not the key order or the name', () => {
    const { id, ...rest } = RULE;
    const reordered = { ...INSTRUCTION, name: 'Renamed', rules: [{ ...rest, id }] };
    const hash = instructionHash(parseInstruction(INSTRUCTION));
    expect(instructionHash(parseInstruction(reordered))).toBe(hash);
    expect(instructionHash(parseInstruction({ ...INSTRUCTION, rules: [{ ...RULE, cap: 2 }] }))).not.toBe(hash);
  });

  it('reads as numbered sentences with label names', () => {
    const lines = instructionToText(WORLD_INSTRUCTION, DEFAULT_SCALE).split('\n');
    expect(lines).toHaveLength(WORLD_INSTRUCTION.rules.length + 1);
    const index = ruleIndex(WORLD_INSTRUCTION, 'clothing-size-other');
    expect(lines[index + 1]).toBe(
      `${index}. [quantity, clothing only] Clothing in another size cannot be worn. At most 0 (irrelevant).`,
    );
  });

  it('names the rule that is not found', () => {
    expect(() => ruleIndex(WORLD_INSTRUCTION, 'no-such-rule')).toThrow(/no-such-rule/u);
  });
});
