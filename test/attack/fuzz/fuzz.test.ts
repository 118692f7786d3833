/** The fuzzer at a small count; what it once found stays found; its oracles notice what they should. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { Rng } from '../../../src/common/rng.ts';
import { type Find, findFromJson, findToJson, judge, runCase, TARGETS } from './fuzz.ts';
import { mutateBytes } from './mutations.ts';
import { expectJsonRoundTrip, target } from './target.ts';

const CORPUS = new URL('../corpus/', import.meta.url);

describe('the fuzzer', () => {
  it('finds nothing', async () => {
    const cases = inject('isWhole') ? 20_000 : 2000;
    const finds: string[] = [];
    const drawn = new Set<string>();
    for (let number = 0; number < cases; number++) {
      const { find, target: name } = await runCase('1', number);
      drawn.add(name);
      if (find !== undefined) finds.push(`case ${number}, ${name}: ${find.kind}: ${find.what}`);
    }
    expect(finds).toEqual([]);
    expect(drawn).toEqual(new Set(TARGETS.keys()));
  });

  it.each(readdirSync(CORPUS))('does not find again what it once found: %s', async (file) => {
    const { target: name, input } = findFromJson(readFileSync(new URL(file, CORPUS), 'utf8'));
    const found = TARGETS.get(name);
    expect(found).toBeDefined();
    if (found !== undefined) expect((await judge(found, 0, input)).find).toBeUndefined();
  });

  it.each<[Find['kind'], () => unknown]>([
    ['exception', () => (undefined as unknown as { name: string }).name],
    ['wrong', () => expectJsonRoundTrip('x', Infinity, (value) => value)],
    ['wrong', () => expectJsonRoundTrip('x', { a: 1 }, () => ({ a: 2 }))],
    [
      'long message',
      () => {
        throw Object.assign(new LabError('bad-file', { message: '' }), { message: 'x'.repeat(301) });
      },
    ],
  ])('counts a case of kind %s', async (kind, check) => {
    expect(
      (
        await judge(
          target('test', () => 0, check),
          0,
          0,
        )
      ).find?.kind,
    ).toBe(kind);
  });

  it('counts a refusal as none, and keeps inputs with bytes', async () => {
    const refuse = (): never => {
      throw new LabError('bad-file', { message: 'No.' });
    };
    expect(
      await judge(
        target('test', () => 0, refuse),
        0,
        0,
      ),
    ).toMatchObject({ isRefused: true, find: undefined });
    const input = { bytes: mutateBytes(Buffer.from('some bytes'), new Rng(1)), text: '\ud800', list: [1, null] };
    expect(findFromJson(findToJson({ target: 'x', kind: 'wrong', what: '', input })).input).toEqual(input);
  });
});

describe('any message of an error', () => {
  it('has at most 300 characters, and still says what to do', () => {
    for (const part of ['message', 'got', 'expected'] as const) {
      const error = new LabError('bad-file', {
        message: 'It cannot be read.',
        fix: 'Save it again.',
        [part]: 'größe🫖 '.repeat(200),
      });
      expect(error.message.length).toBeLessThanOrEqual(300);
      expect(error.message).toMatch(/Save it again\.$/u);
      expect(error.message.isWellFormed()).toBe(true);
    }
  });
});
