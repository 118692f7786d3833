/**
 * Quantities in text: "1.5 l", "500ml", `15.6"`, "6-pack", "20 x 30 cm". Each is converted to a canonical unit, so that
 * 500 ml equals 0.5 l. A bare number ("size 42") is a quantity without a unitand compares with bare numbers only.
 * Known limits: "5g" is five grams even on a phone; fractions ("1/2 inch") and spelled-out numbers are not read.
 */

import type { TextFolding } from './folding.ts';

/** The canonical unit of each dimension; '' is a bare number. */
export type CanonicalUnit = 'ml' | 'mg' | 'mm' | 'w' | 'v' | 'mah' | 'wh' | 'mb' | 's' | 'hz' | 'lm' | 'pack' | '';

/** A quantity found in a text. */
export interface Quantity {
  /** In {@link unit}. */
  readonly value: number;
  readonly unit: CanonicalUnit;
  /** As written, trimmed. */
  readonly text: string;
}

/** Two quantities whose relative difference is at most this are "near". */
export const NEAR_TOLERANCE = 0.2;
/** Covers rounding in unit conversion only. */
const SAME_TOLERANCE = 1e-6;

/**
 * Spellings of each unit, its canonical unit, and its size in the canonical unit. Bytes are decimal, as in catalogues.
 */
const UNITS: readonly (readonly [spellings: string, unit: CanonicalUnit, size: number])[] = [
  ['ml milliliter milliliters millilitre millilitres', 'ml', 1],
  ['cl', 'ml', 10],
  ['l ltr liter liters litre litres', 'ml', 1000],
  ['mg', 'mg', 1],
  ['g gr gram grams', 'mg', 1000],
  ['kg kgs kilo kilos kilogram kilograms', 'mg', 1e6],
  ['oz ounce ounces', 'mg', 28349.523125],
  ['lb lbs pound pounds', 'mg', 453592.37],
  ['mm', 'mm', 1],
  ['cm', 'mm', 10],
  ['m meter meters metre metres', 'mm', 1000],
  ['in inch inches', 'mm', 25.4],
  ['ft foot feet', 'mm', 304.8],
  ['w watt watts', 'w', 1],
  ['kw', 'w', 1000],
  ['v volt volts', 'v', 1],
  ['mah', 'mah', 1],
  ['ah', 'mah', 1000],
  ['wh', 'wh', 1],
  ['kwh', 'wh', 1000],
  ['mb', 'mb', 1],
  ['gb', 'mb', 1000],
  ['tb', 'mb', 1e6],
  ['s sec second seconds', 's', 1],
  ['min mins minute minutes', 's', 60],
  ['h hr hrs hour hours', 's', 3600],
  ['hz', 'hz', 1],
  ['khz', 'hz', 1000],
  ['mhz', 'hz', 1e6],
  ['ghz', 'hz', 1e9],
  ['lm lumen lumens', 'lm', 1],
  ['pack packs pk pcs pc piece pieces count ct', 'pack', 1],
];

const UNIT_BY_SPELLING: ReadonlyMap<string, { readonly unit: CanonicalUnit; readonly size: number }> = new Map(
  UNITS.flatMap(([spellings, unit, size]) =>
    spellings.split(' ').map((spelling) => [spelling, { unit, size }] as const),
  ),
);
const INCH = { unit: 'mm', size: 25.4 } as const;

const NUMBER = String.raw`\d+(?:[.,]\d+)*`;
// "in" before a number is not a unit, as in "2-in-1".
const SPELLING = [...UNIT_BY_SPELLING.keys()]
  .map((name) => (name === 'in' ? String.raw`in(?![\s-]*\d)` : name))
  .join('|');
const QUANTITY = new RegExp(
  String.raw`(?<![\p{L}\p{N}]|\d[.,])(?<packOf>(?:pack|set|box) of )?(?<numbers>${NUMBER}(?:\s*[x×]\s*${NUMBER})*)` +
    String.raw`(?:[\s-]*(?<spelling>${SPELLING})|(?<quote>["″”]|''))?(?![\p{L}\p{N}])`,
  'gu',
);

/**
 * The quantities in a text, in order.
 *
 * A unit of length after a product applies to every factor ("20 x 30 cm"). Before any other unit the first factors
 * count pieces ("6 x 500 ml").
 */
export function parseQuantities(text: string): Quantity[] {
  const found: Quantity[] = [];
  for (const match of text.toLowerCase().matchAll(QUANTITY)) {
    const { packOf, numbers = '', spelling, quote } = match.groups ?? {};
    const written = quote === undefined ? UNIT_BY_SPELLING.get(spelling ?? '') : INCH;
    const unit = packOf === undefined ? written : { unit: 'pack' as const, size: 1 };
    const factors = numbers.split(/[x×]/u);
    for (const [i, factor] of factors.entries()) {
      const isLast = i === factors.length - 1;
      const own = isLast || unit === undefined || unit.unit === 'mm' ? unit : { unit: 'pack' as const, size: 1 };
      found.push({
        value: parseNumber(factor.trim()) * (own?.size ?? 1),
        unit: own?.unit ?? '',
        text: (isLast && factors.length === 1 ? match[0] : factor).trim(),
      });
    }
  }
  return found;
}

/** The quantities in a text under a folding. Version 1 parses the text as written, later versions the folded text. */
export function quantitiesIn(folding: TextFolding, text: string): Quantity[] {
  return parseQuantities(folding.version === 1 ? text : folding.fold(text));
}

/** Whether two quantities are equal after unit conversion. */
export function isSameQuantity(a: Quantity, b: Quantity): boolean {
  return a.unit === b.unit && relativeDifference(a.value, b.value) <= SAME_TOLERANCE;
}

/** Whether two quantities of one dimension differ by at most {@link NEAR_TOLERANCE} of the wanted value. */
export function isNearQuantity(got: Quantity, wanted: Quantity): boolean {
  return got.unit === wanted.unit && relativeDifference(got.value, wanted.value) <= NEAR_TOLERANCE + SAME_TOLERANCE;
}

/** |got - wanted| / |wanted|; infinite if wanted is 0 and got is not. */
function relativeDifference(got: number, wanted: number): number {
  return got === wanted ? 0 : Math.abs(got - wanted) / Math.abs(wanted);
}

// "1,000" and "1,234,567" have thousands separators; any other comma is a decimal comma.
function parseNumber(text: string): number {
  const plain = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/u.test(text) ? text.replaceAll(',', '') : text.replace(',', '.');
  return Number.parseFloat(plain);
}
