import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isNearQuantity,
  isSameQuantity,
  parseQuantities,
  type Quantity,
} from '../../../../src/relevance/pair/quantities.ts';

const read = (text: string): string[] =>
  parseQuantities(text).map(({ value, unit }) => `${Number(value.toPrecision(9))} ${unit}`.trim());

const only = (text: string): Quantity => {
  const [quantity] = parseQuantities(text);
  if (quantity === undefined) throw new Error(`no quantity in "${text}"`);
  return quantity;
};

describe('parseQuantities', () => {
  it.each([
    ['1.5 l kettle', ['1500 ml']],
    ['500ML', ['500 ml']],
    ['33 cl can', ['330 ml']],
    ['1,5 kg', ['1500000 mg']],
    ['1,000 g', ['1000000 mg']],
    ['15.6" laptop', ['396.24 mm']],
    ['15.6-inch laptop', ['396.24 mm']],
    ['2 m cable', ['2000 mm']],
    ['1.8kW', ['1800 w']],
    ['12V 5Ah', ['12 v', '5000 mah']],
    ['10000mAh power bank', ['10000 mah']],
    ['1tb ssd 16 gb', ['1000000 mb', '16000 mb']],
    ['90 min', ['5400 s']],
    ['1.5 h', ['5400 s']],
    ['144 Hz 20khz', ['144 hz', '20000 hz']],
    ['800 lm', ['800 lm']],
    ['6-pack', ['6 pack']],
    ['pack of 6', ['6 pack']],
    ['6 x 500 ml', ['6 pack', '500 ml']],
    ['20x30 cm', ['200 mm', '300 mm']],
    ['size 42', ['42']],
    ['iphone 13 pro', ['13']],
    ['2-in-1 tablet', ['2', '1']],
    ['x200 13pro 2nd', []],
    ['no numbers', []],
  ])('reads %j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it('keeps the written text', () => {
    expect(only('a 1.5 L kettle').text).toBe('1.5 l');
  });

  it('finds a number between other words, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) =>
        parseQuantities(text).every(({ value }) => value >= 0),
      ),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9999 }),
        fc.constantFrom('ml', ' kg', '-pack', ' inches'),
        (value, unit) => {
          expect(read(`blue ${value}${unit} thing`)).toEqual(read(`${value}${unit}`));
        },
      ),
    );
  });
});

describe('comparison of quantities', () => {
  it('converts units first', () => {
    expect(isSameQuantity(only('500 ml'), only('0.5 l'))).toBe(true);
    expect(isSameQuantity(only('0.1 l'), only('100ml'))).toBe(true);
    expect(isSameQuantity(only('1 in'), only('2.54 cm'))).toBe(true);
    expect(isSameQuantity(only('500 ml'), only('500 g'))).toBe(false);
    expect(isSameQuantity(only('500'), only('500 ml'))).toBe(false);
  });

  it('counts a difference of up to 20 % of the wanted value as near', () => {
    expect(isNearQuantity(only('1.2 l'), only('1 l'))).toBe(true);
    expect(isNearQuantity(only('1.21 l'), only('1 l'))).toBe(false);
    expect(isNearQuantity(only('0.8 l'), only('1 l'))).toBe(true);
    expect(isNearQuantity(only('1 kg'), only('1 l'))).toBe(false);
    expect(isNearQuantity(only('1 l'), only('0 l'))).toBe(false);
  });
});
