import { constants, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunksOf, readText, type TextOptions } from '../../../../src/data/files/text-stream.ts';
import { all, chunked } from './chunks.ts';

const TEXT = 'größer 🫖\r\nnext "line"\n';

async function textOf(
  content: string | Uint8Array,
  size?: number,
  options: Partial<TextOptions> = {},
): Promise<string> {
  return (await all(readText(chunked(content, size), { fileName: 'pairs.csv', ...options }))).join('');
}

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(text.length * 2));
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), littleEndian);
  return new Uint8Array(view.buffer);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function withFlippedBit(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte));
}

function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

describe('readText', () => {
  it.each([1, 2, 3, 7, 1000])('reads UTF-8, UTF-16 and gzip in chunks of %i bytes', async (size) => {
    expect(await textOf(TEXT, size)).toBe(TEXT);
    expect(await textOf(`\ufeff${TEXT}`, size)).toBe(TEXT);
    expect(await textOf(utf16(`\ufeff${TEXT}`, true), size)).toBe(TEXT);
    expect(await textOf(utf16(`\ufeff${TEXT}`, false), size)).toBe(TEXT);
    expect(await textOf(gzipSync(new TextEncoder().encode(`\ufeff${TEXT}`)), size)).toBe(TEXT);
    expect(await textOf(gzipSync(utf16(`\ufeff${TEXT}`, true)), size)).toBe(TEXT);
  });

  it('reads concatenated gzip files', async () => {
    const member = gzipSync(new TextEncoder().encode(TEXT));
    for (const size of [1, 5, 1000]) expect(await textOf(join(member, member), size)).toBe(TEXT + TEXT);
  });

  it('reads any text, gzipped or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .string({ unit: 'grapheme', minLength: 1 })
          .filter((text) => !text.includes('\0') && !text.startsWith('\ufeff')),
        fc.integer({ min: 1, max: 40 }),
        async (text, size) => {
          expect(await textOf(text, size)).toBe(text);
          expect(await textOf(gzipSync(new TextEncoder().encode(text)), size)).toBe(text);
        },
      ),
    );
  });

  it('reads streams', async () => {
    const blob = new Blob([TEXT]);
    expect((await all(readText(chunksOf(blob.stream()), { fileName: 'a' }))).join('')).toBe(TEXT);
  });

  it('stops decompression at the limit', async () => {
    const bomb = gzipSync(new Uint8Array(8_000_000).fill(0x61));
    expect(bomb.length).toBeLessThan(10_000);
    let given = 0;
    const read = async (): Promise<void> => {
      for await (const text of readText(chunked(bomb), { fileName: 'bomb.csv.gz', maxTextBytes: 3_000_000 }))
        given += text.length;
    };
    await expect(read()).rejects.toThrow(/bomb.csv.gz: it is too large. Expected at most 3000000 bytes/);
    expect(given).toBeLessThanOrEqual(3_000_000);
    expect(await textOf(TEXT, 5, { maxTextBytes: new TextEncoder().encode(TEXT).length })).toBe(TEXT);
  });

  const packed = gzipSync(new TextEncoder().encode(TEXT.repeat(50)));
  const bad: Readonly<Record<string, readonly [content: Uint8Array, message: RegExp]>> = {
    'an empty file': [new Uint8Array(), /it is empty/],
    'an empty gzip file': [gzipSync(new Uint8Array()), /it is empty/],
    'bytes that are not UTF-8': [Uint8Array.of(0x61, 0x2c, 0xe4, 0x0a, 0x62), /not UTF-8.*CSV UTF-8/],
    'a character cut off at the end': [Uint8Array.of(0x61, 0x62, 0x63, 0x64, 0xc3), /not UTF-8/],
    'UTF-16 without a mark': [utf16(TEXT, true), /Expected UTF-8, or UTF-16 with a byte order mark/],
    'a lone surrogate': [utf16('\ufeffab\ud800c', true), /not UTF-16LE/],
    'a zero byte': [new TextEncoder().encode('abc\0'), /zero byte/],
    'an Excel workbook': [Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0, 0), /Excel workbook/],
    'a packed Excel workbook': [gzipSync(Uint8Array.of(0x50, 0x4b, 0x03, 0x04, 0, 0)), /Excel workbook/],
    'a Parquet file': [new TextEncoder().encode('PAR1....'), /Parquet/],
    'a gzip file cut off': [packed.subarray(0, packed.length - 20), /cannot be unpacked/],
    'a gzip header alone': [packed.subarray(0, 10), /cannot be unpacked.*unexpected end of file/],
    'gzip with damaged contents': [join(packed.subarray(0, 10), new Uint8Array(60).fill(0x07)), /cannot be unpacked/],
    'gzip without its trailer': [packed.subarray(0, packed.length - 8), /unexpected end of file/],
    'gzip of another size': [withFlippedBit(packed, packed.length - 1, 0), /incorrect length check/],
    'gzip of another checksum': [withFlippedBit(packed, packed.length - 8, 3), /incorrect data check/],
    'a second member cut off': [join(packed, packed.subarray(0, 40)), /unexpected end of file/],
    'gzip, zeros and something else': [join(packed, new Uint8Array(9), packed), /something else after the data/],
    'gzip followed by something else': [join(packed, new TextEncoder().encode('and more')), /cannot be unpacked/],
  };

  it.each(Object.entries(bad))('rejects %s', async (_name, [content, message]) => {
    for (const size of [1, 1000]) {
      await expect(textOf(content, size)).rejects.toMatchObject({ code: 'bad-file' });
      await expect(textOf(content, size)).rejects.toThrow(message);
    }
  });

  it('rejects a gzip file truncated anywhere', async () => {
    const flushed = gzipSync(TEXT.repeat(50), { finishFlush: constants.Z_SYNC_FLUSH });
    await expect(textOf(flushed)).rejects.toMatchObject({ code: 'bad-file' });
    for (let length = 2; length < packed.length; length++) {
      await expect(textOf(packed.subarray(0, length))).rejects.toMatchObject({ code: 'bad-file' });
    }
  });

  it('reads any members with any padding, and rejects any of them truncated or changed', async () => {
    const member = fc.tuple(fc.string({ minLength: 1, maxLength: 300 }), fc.integer({ min: 0, max: 9 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(member, { minLength: 1, maxLength: 3 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        fc.nat(7),
        async (members, zeros, size, place, bit) => {
          const text = members.map(([part]) => part.replaceAll('\0', ' ')).join('');
          const parts = members.map(([part, level]) => gzipSync(part.replaceAll('\0', ' '), { level }));
          const whole = join(...parts);
          expect(await textOf(join(whole, new Uint8Array(zeros)), size)).toBe(text);

          const last = parts.at(-1)?.length ?? 1;
          const cut = whole.subarray(0, whole.length - 1 - (place % (last - 1)));
          await expect(textOf(cut, size)).rejects.toMatchObject({ code: 'bad-file' });

          // If a flipped bit changes only a date or a name in the header, the text is still the same.
          const outcome = await textOf(withFlippedBit(whole, place % whole.length, bit), size).catch(codeOf);
          expect([text, 'bad-file']).toContain(outcome);
        },
      ),
    );
  });

  it('stops on request', async () => {
    const controller = new AbortController();
    const chunks = readText(chunked(TEXT, 4), { fileName: 'a', signal: controller.signal });
    await chunks.next();
    controller.abort();
    await expect(chunks.next()).rejects.toMatchObject({ code: 'aborted' });
  });
});
