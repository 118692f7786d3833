import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHUNK_BYTES,
  freeName,
  type Manifest,
  newId,
  readManifest,
  surplusOf,
} from '../../../src/checkpoint/manifest.ts';
import { someManifest } from './some-manifest.ts';

describe('readManifest', () => {
  it('accepts a valid manifest', () => {
    expect(readManifest(someManifest())).toEqual(someManifest());
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['an empty name', { name: ' ' }, /^name: /u],
    ['a name that is too long', { name: 'x'.repeat(201) }, /^name: /u],
    ['an unknown field', { owner: 'me' }, /^owner: /u],
    ['an id that is a path', { id: '../x' }, /^id: Invalid id/u],
    ['a config that is not JSON', { configJson: '{' }, /^configJson: Invalid JSON/u],
    ['a fraction of a step', { step: 1.5 }, /^step: /u],
    ['a size beyond the largest', { sizeBytes: 2 ** 31 + 1 }, /^sizeBytes: /u],
    ['a size that differs from its chunks', { sizeBytes: 99 }, /sum of the chunks/u],
    [
      'a chunk that is too large',
      { sizeBytes: CHUNK_BYTES + 1, chunks: [chunk(CHUNK_BYTES + 1)] },
      /^chunks\.0\.sizeBytes: /u,
    ],
    ['an empty chunk', { sizeBytes: 8, chunks: [chunk(8), chunk(0)] }, /^chunks\.1\.sizeBytes: /u],
    ['an invalid hash', { sizeBytes: 8, chunks: [{ sizeBytes: 8, sha256: 'F'.repeat(64) }] }, /^chunks\.0\.sha256: /u],
  ])('gives the path of %s', (_what, change, problem) => {
    expect(readManifest({ ...someManifest(), ...change })).toMatch(problem);
  });

  it('gives a manifest or a problem for any value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(typeof readManifest(value)).toBe('string');
      }),
    );
  });
});

describe('freeName', () => {
  it('keeps a free name and numbers taken ones', () => {
    expect(freeName('best', new Set())).toBe('best');
    expect(freeName('best', new Set(['best']))).toBe('best (2)');
    expect(freeName('best (2)', new Set(['best', 'best (2)']))).toBe('best (3)');
    expect(freeName('best (9)', new Set(['best (9)']))).toBe('best (2)');
  });

  it('returns a free, valid name, whatever is taken', () => {
    const name = fc.string({ minLength: 1, maxLength: 200 }).filter((text) => text.trim() === text && text !== '');
    fc.assert(
      fc.property(name, fc.nat(12), (wanted, count) => {
        const taken = new Set<string>();
        for (let i = 0; i <= count; i++) {
          const free = freeName(wanted, taken);
          expect(taken.has(free)).toBe(false);
          expect(readManifest({ ...someManifest(), name: free })).toMatchObject({ name: free });
          taken.add(free);
        }
      }),
    );
  });
});

describe('surplusOf', () => {
  const at = (id: string, createdAt: number, isAutomatic = true): Manifest =>
    someManifest({ id, createdAt, isAutomatic });
  const idsOf = (manifests: readonly Manifest[]): string[] => manifests.map(({ id }) => id).toSorted();

  it('selects the oldest automatic checkpoints', () => {
    expect(idsOf(surplusOf([at('a', 1), at('c', 3), at('b', 2), at('d', 4)], 'd', 2))).toEqual(['a', 'b']);
    expect(surplusOf([at('a', 1), at('b', 2)], 'b', 2)).toEqual([]);
  });

  it('never counts or selects checkpoints that a person named', () => {
    expect(idsOf(surplusOf([at('a', 1, false), at('b', 2), at('c', 3), at('d', 4, false)], 'c', 1))).toEqual(['b']);
  });

  it('keeps the one just saved even if the clock was set back', () => {
    expect(idsOf(surplusOf([at('a', 100), at('b', 200), at('new', 1)], 'new', 2))).toEqual(['a']);
    expect(idsOf(surplusOf([at('a', 100), at('new', 1)], 'new', 1))).toEqual(['a']);
  });

  it('leaves exactly the wanted number, or all', () => {
    const manifests = fc.uniqueArray(fc.tuple(fc.nat(1000), fc.nat(50), fc.boolean()), {
      minLength: 1,
      maxLength: 20,
      selector: ([id]) => id,
    });
    fc.assert(
      fc.property(manifests, fc.integer({ min: 1, max: 8 }), (all, keepLast) => {
        const ofRun = [...all.map(([id, time, isAutomatic]) => at(`x${id}`, time, isAutomatic)), at('saved', 25)];
        const surplus = surplusOf(ofRun, 'saved', keepLast);
        const automatic = ofRun.filter(({ isAutomatic }) => isAutomatic);
        expect(surplus.every(({ isAutomatic, id }) => isAutomatic && id !== 'saved')).toBe(true);
        expect(automatic.length - surplus.length).toBe(Math.min(keepLast, automatic.length));
      }),
    );
  });
});

describe('newId', () => {
  it('gives 32 different digits each time', () => {
    const ids = Array.from({ length: 100 }, newId);
    expect(ids.every((id) => /^[0-9a-f]{32}$/u.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(100);
  });
});

function chunk(sizeBytes: number): Manifest['chunks'][number] {
  return { sizeBytes, sha256: '0'.repeat(64) };
}
