/**
 * Archives: what is in them comes out as it went in, and what is damaged or forged is refused before it costs memory.
 */
import { zlibSync, zipSync } from 'fflate';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openGiven } from '../../../../src/data/kinds/open-given.ts';
import { bytesOf, forgedZip, given, outcome, rowsIn, zipOf } from './given.ts';

const CSV = 'query,title,grade\nred kettle,kettle,3\n';

describe('an archive', () => {
  it('becomes its files, whatever folders they are in', async () => {
    const zip = zipOf({ 'a/pairs.csv': CSV, 'b/more.jsonl': '{"query":"q","title":"t"}\n' });
    const { files } = await openGiven([given('both.zip', zip)]);
    expect(files.map(({ name }) => name)).toEqual(['pairs.csv', 'more.jsonl']);
    expect(await rowsIn(given('both.zip', zip))).toEqual([
      { query: 'red kettle', title: 'kettle', grade: '3' },
      { query: 'q', title: 't' },
    ]);
  });

  it('has names that are never paths', async () => {
    const { files } = await openGiven([given('evil.zip', zipOf({ '../../etc/pairs.csv': CSV, 'C:\\x\\y.csv': CSV }))]);
    expect(files.map(({ name }) => name)).toEqual(['pairs.csv', 'y.csv']);
  });

  it('is read without what describes it, and says so', async () => {
    const zip = zipOf({ 'README.md': '# x', '__MACOSX/._pairs.csv': 'x', '.DS_Store': 'x', 'pairs.csv': CSV });
    const { files, notes } = await openGiven([given('data.zip', zip)]);
    expect(files.map(({ name }) => name)).toEqual(['pairs.csv']);
    expect(notes).toEqual(['Of data.zip, README.md is not read.']);
  });

  it('in an archive is refused, and so is one without data', async () => {
    expect(await outcome(() => rowsIn(given('o.zip', zipOf({ 'i.zip': zipOf({ 'p.csv': CSV }) }))))).toMatch(
      /archive in an/u,
    );
    expect(await outcome(() => rowsIn(given('o.zip', zipOf({ 'README.md': 'x' }))))).toMatch(/^bad-file.*README\.md/u);
  });

  it('is recognised by its bytes, whatever its name', async () => {
    expect(await rowsIn(given('pairs.csv', zipOf({ 'pairs.csv': CSV })))).toHaveLength(1);
  });

  it.each([
    ['a wrong checksum', forgedZip(bytesOf(CSV), { crc: 1 }), /wrong checksum/u],
    ['a size above the limit', forgedZip(bytesOf(CSV), { size: 0xfffffff0, method: 8 }), /too large.*bytes unpacked/u],
    ['two sizes', forgedZip(bytesOf(CSV), { size: 5 }), /two sizes/u],
    ['bytes beyond its directory', forgedZip(bytesOf(CSV), { size: 900, packed: 900 }), /overlaps/u],
    ['a password', forgedZip(bytesOf(CSV), { flags: 1 }), /encrypted/u],
    ['an unknown method', forgedZip(bytesOf(CSV), { method: 93 }), /method 93/u],
    ['no deflated data', forgedZip(bytesOf(CSV), { method: 8 }), /cannot be unpacked/u],
  ])('with %s is refused', async (_, zip, problem) => {
    expect(await outcome(() => rowsIn(given('x.zip', zip)))).toMatch(problem);
  });

  it('that expands further than it says is refused at the size that it says', async () => {
    const packed = zlibSync(new Uint8Array(50_000_000)).subarray(2, -4);
    const zip = forgedZip(packed, { size: 1000, method: 8 });
    expect(await outcome(() => rowsIn(given('bomb.zip', zip)))).toMatch(/more than 1000 bytes/u);
  });

  it('whose members share bytes is refused', async () => {
    const zip = zipSync({ 'a.csv': [bytesOf(CSV), { level: 0 }], 'b.csv': [bytesOf(CSV), { level: 0 }] });
    const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
    const second = zip.length - 22 - (46 + 5);
    expect(view.getUint32(second, true)).toBe(0x02014b50);
    view.setUint32(second + 42, 0, true);
    expect(await outcome(() => rowsIn(given('x.zip', zip)))).toMatch(/overlaps/u);
  });

  it('cut anywhere or with any byte changed is read as it was or refused', async () => {
    const zip = zipOf({ 'pairs.csv': CSV });
    const whole = JSON.stringify(await rowsIn(given('x.zip', zip)));
    await fc.assert(
      fc.asyncProperty(fc.nat(zip.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const cut = await outcome(() => rowsIn(given('x.zip', zip.slice(0, Math.max(at, 4)))));
        expect(cut).toMatch(/^bad-file/u);
        const changed = await outcome(() =>
          rowsIn(
            given(
              'x.zip',
              zip.map((byte, i) => (i === at ? byte ^ change : byte)),
            ),
          ),
        );
        expect(changed === whole || changed.startsWith('bad-file')).toBe(true);
      }),
    );
  });
});
