/**
 * Random inputs of a fuzzer: texts, JSON values and tables, and small damage to valid ones. All come from one seeded
 * stream, so that a case is repeated by its number.
 */
import type { Rng } from '../../../src/common/rng.ts';

/** Texts that readers have stumbled over somewhere: names with a meaning for JavaScript, odd numbers, controls. */
const ODD_TEXTS = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  'toString',
  'null',
  'NaN',
  'Infinity',
  '1e999',
  '-0',
  '0x10',
  '1,5',
  '9007199254740993',
  '=1+1',
  '@SUM(A1)',
  'a\n=1+1',
  '\r\n',
  '\t',
  '"',
  '""',
  "'",
  '\\',
  '\u0000',
  '\u001b[31m',
  '\ud800',
  '\ufeff',
  '\u2028',
  '\u202e',
  '🫖',
  'größe',
  '../../etc/passwd',
  '<img src=x onerror=alert(1)>',
  '[[[[',
  '{"a":',
] as const;
// JSON.parse reads 1e999 as Infinity.
const ODD_NUMBERS = [
  Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  -1e308,
  5e-324,
  1e-7,
];
const WORDS = ['red', 'kettle', 'hose', 'lamp', 'usb-c', '1.5', 'l', 'for', 'without', 'größe', '2', 'E', 'yes'];

/** Words, odd texts, or any characters. */
export function someText(rng: Rng, most = 8): string {
  switch (rng.int(4)) {
    case 0:
      return rng.pick(ODD_TEXTS);
    case 1:
      return Array.from({ length: rng.int(most) }, () =>
        String.fromCharCode(rng.int(rng.chance(0.5) ? 128 : 65536)),
      ).join('');
    default:
      return Array.from({ length: 1 + rng.int(most) }, () => rng.pick(WORDS)).join(' ');
  }
}

export function someNumber(rng: Rng): number {
  if (rng.chance(0.4)) return rng.pick(ODD_NUMBERS);
  return rng.chance(0.5) ? rng.int(100) : (rng.next() - 0.5) * 10 ** (rng.int(40) - 20);
}

/** Any JSON value. */
export function someJson(rng: Rng, depth = 3): unknown {
  switch (rng.int(depth > 0 ? 7 : 5)) {
    case 0:
      return null;
    case 1:
      return rng.chance(0.5);
    case 2:
      return someNumber(rng);
    case 3:
    case 4:
      return someText(rng);
    case 5:
      return Array.from({ length: rng.int(4) }, () => someJson(rng, depth - 1));
    default:
      return Object.fromEntries(Array.from({ length: rng.int(4) }, () => [someText(rng, 2), someJson(rng, depth - 1)]));
  }
}

/** A copy of a JSON value with one to three places replaced, removed, added or exchanged. */
export function mutateJson(value: unknown, rng: Rng): unknown {
  let changed = value;
  for (let left = 1 + rng.int(3); left > 0; left--) changed = mutateOnce(changed, rng);
  return changed;
}

function mutateOnce(value: unknown, rng: Rng): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || rng.chance(0.1)) {
    return typeof value === 'string' && rng.chance(0.6) ? mutateText(value, rng) : someJson(rng, 2);
  }
  const entries = Object.entries(value) as [string, unknown][];
  const at = rng.int(entries.length + 1);
  const entry = entries[at];
  const more = rng.int(8);
  if (entry === undefined || more === 0) entries.splice(at, 0, [someText(rng, 2), someJson(rng, 2)]);
  else if (more === 1) entries.splice(at, 1);
  else if (more === 2) entries[at] = [entry[0], entries[rng.int(entries.length)]?.[1]];
  else entries[at] = [entry[0], mutateOnce(entry[1], rng)];
  if (Array.isArray(value)) return entries.map(([, item]) => item);
  // defineProperty, because "__proto__" is assigned as an own key by JSON.parse too.
  const changed: Record<string, unknown> = {};
  for (const [key, item] of entries) {
    Object.defineProperty(changed, key, { value: item, enumerable: true, configurable: true, writable: true });
  }
  return changed;
}

/** A copy of a text with one to four places changed. */
export function mutateText(text: string, rng: Rng): string {
  let changed = text;
  for (let left = 1 + rng.int(4); left > 0; left--) {
    const at = rng.int(changed.length + 1);
    const length = rng.chance(0.7) ? rng.int(4) : rng.int(changed.length + 1);
    const put = [
      () => '',
      () => someText(rng),
      () => String.fromCharCode(rng.int(rng.chance(0.8) ? 128 : 65536)),
      () => changed.slice(rng.int(changed.length + 1)).slice(0, 40),
      () => rng.pick(['"', ',', '\t', '\n', '\r', '{', '}', '[', ']', ':', '\\', '<', '>']).repeat(1 + rng.int(40)),
    ];
    changed = changed.slice(0, at) + rng.pick(put)() + changed.slice(at + (rng.chance(0.5) ? 0 : length));
  }
  return changed.slice(0, 200_000);
}

/** A copy of bytes with bits flipped, parts cut out, repeated, zeroed or replaced, or the end cut off. */
export function mutateBytes(bytes: Uint8Array, rng: Rng): Uint8Array<ArrayBuffer> {
  let changed = Uint8Array.from(bytes);
  for (let left = 1 + rng.int(3); left > 0; left--) {
    const at = rng.int(changed.length + 1);
    const length = rng.int(Math.min(16, changed.length - at) + 1);
    switch (rng.int(6)) {
      case 0:
        changed = changed.slice(0, at);
        break;
      case 1:
        changed = Uint8Array.from([...changed.subarray(0, at), ...changed.subarray(at + length)]);
        break;
      case 2:
        changed = Uint8Array.from([...changed.subarray(0, at + length), ...changed.subarray(at)]);
        break;
      case 3:
        changed.fill(rng.chance(0.5) ? 0 : 255, at, at + length);
        break;
      default:
        if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << rng.int(8));
    }
  }
  return changed;
}

export function someBytes(rng: Rng, most: number): Uint8Array<ArrayBuffer> {
  const isFlat = rng.chance(0.5);
  return Uint8Array.from({ length: rng.int(most) }, () => (isFlat ? 97 : rng.int(256)));
}

/** Text cells by column. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A text that every format can write: no NUL, no byte order mark, no half of a character. */
export function plainCell(text: string): string {
  return text.replaceAll(/[\ud800-\udfff\ufeff]/gu, '').replaceAll('\0', '');
}

/** A table with distinct columns; `fixed` come first. */
export function someTable(rng: Rng, fixed: readonly string[] = []): Table {
  const columns = [...new Set([...fixed, ...Array.from({ length: rng.int(3) }, (_, i) => `more${i}`)])];
  const cell = (): string => plainCell(someText(rng, 5));
  // Rows without anything are left out by readers, so that each has something.
  const row = (): string[] => columns.map((_, i) => (i === 0 ? `x${cell()}` : cell()));
  return { columns, rows: Array.from({ length: 1 + rng.int(5) }, row) };
}
