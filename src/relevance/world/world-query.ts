/**
 * A query of the rule world: drawn as a shape (the kinds of wishes it has), then filled with words.
 */
import type { Rng } from '../../common/rng.ts';
import { AUDIENCES, COLOURS, type Vertical, VERTICAL_WORDS, VERTICALS, type WordPool } from './world-vocabulary.ts';

/** A kind of requirement in a query, in addition to the type. */
export type WishKind = 'brand' | 'colour' | 'material' | 'feature' | 'size' | 'without' | 'audience' | 'target';

/** A vertical and the kinds of wishes its query has; `weight` is its relative frequency. */
export interface QueryShape {
  readonly vertical: Vertical;
  readonly wishes: readonly WishKind[];
  readonly weight: number;
}

/** The wishes of a query. `size` is in the first unit of the vertical. */
export interface QueryPlan {
  readonly shape: QueryShape;
  readonly type: string;
  readonly brand: string | undefined;
  readonly colour: string | undefined;
  readonly material: string | undefined;
  readonly feature: string | undefined;
  readonly size: number | undefined;
  readonly without: string | undefined;
  readonly audience: string | undefined;
  readonly target: string | undefined;
}

// Every shape with a negation, an audience or an accessory also has a brand, colour or material, because otherwise only
// rare rules could give such a query its middle labels.
const SHAPES: readonly { readonly wishes: readonly WishKind[]; readonly weight: number }[] = [
  { wishes: ['brand'], weight: 10 },
  { wishes: ['colour'], weight: 3 },
  { wishes: ['material'], weight: 7 },
  { wishes: ['feature', 'size'], weight: 5 },
  { wishes: ['size'], weight: 5 },
  { wishes: ['brand', 'colour'], weight: 9 },
  { wishes: ['brand', 'material'], weight: 6 },
  { wishes: ['brand', 'feature'], weight: 8 },
  { wishes: ['brand', 'size'], weight: 10 },
  { wishes: ['colour', 'size'], weight: 5 },
  { wishes: ['brand', 'without'], weight: 8 },
  { wishes: ['material', 'without'], weight: 7 },
  { wishes: ['brand', 'audience'], weight: 4 },
  { wishes: ['colour', 'audience'], weight: 3 },
  { wishes: ['brand', 'target'], weight: 4 },
  { wishes: ['colour', 'target'], weight: 3 },
];

/** Factors on the frequency of wishes in verticals that have exceptions about them. */
const EMPHASIS: Readonly<Partial<Record<Vertical, Partial<Record<WishKind, number>>>>> = {
  audio: { feature: 2.5 },
  lighting: { colour: 2 },
  tools: { size: 1.5, colour: 1.5 },
  outdoor: { size: 1.5 },
  clothing: { audience: 3, size: 1.5 },
};

/** All shapes of queries with their weights. */
export const QUERY_SHAPES: readonly QueryShape[] = VERTICALS.flatMap((vertical) =>
  SHAPES.map(({ wishes, weight }) => ({
    vertical,
    wishes,
    weight: wishes.reduce((product, wish) => product * (EMPHASIS[vertical]?.[wish] ?? 1), weight),
  })),
);

/** Fills a shape with words from a pool. */
export function planQuery(shape: QueryShape, pool: WordPool, rng: Rng): QueryPlan {
  const { vertical, wishes } = shape;
  const words = VERTICAL_WORDS[vertical];
  const has = (wish: WishKind): boolean => wishes.includes(wish);
  return {
    shape,
    type: rng.pick(has('target') ? pool.accessories[vertical] : pool.things[vertical]),
    brand: has('brand') ? rng.pick(pool.brands) : undefined,
    colour: has('colour') ? rng.pick(COLOURS) : undefined,
    material: has('material') ? rng.pick(words.materials) : undefined,
    feature: has('feature') ? rng.pick(words.features) : undefined,
    // Never the smallest, so that a smaller one can always be offered.
    size: has('size') ? rng.pick(words.size.values.slice(1)) : undefined,
    without: has('without') ? rng.pick(words.features) : undefined,
    audience: has('audience') ? rng.pick(AUDIENCES) : undefined,
    target: has('target') ? rng.pick(pool.things[vertical]) : undefined,
  };
}

/** The query as a user would type it: brand, adjectives, type, then the rest. */
export function queryText(plan: QueryPlan, rng: Rng): string {
  const { brand, colour, material, feature, size, without, audience, target } = plan;
  // "bluetooth speaker" or "speaker with bluetooth".
  const isFeatureFirst = rng.chance(0.5);
  const words = [
    brand,
    colour,
    material,
    isFeatureFirst ? feature : undefined,
    plan.type,
    feature !== undefined && !isFeatureFirst ? `with ${feature}` : undefined,
    size === undefined ? undefined : sizeText(plan.shape.vertical, size, rng),
    without === undefined ? undefined : `without ${without}`,
    audience === undefined ? undefined : `for ${audience}`,
    target === undefined ? undefined : `for ${target}`,
  ];
  return words.filter((word) => word !== undefined).join(' ');
}

/** A size in one of the units of its vertical, each equally likely: "500 ml" or "0.5 l". */
export function sizeText(vertical: Vertical, size: number, rng: Rng): string {
  const unit = rng.pick(VERTICAL_WORDS[vertical].size.units);
  return `${size / unit.size} ${unit.name}`.trim();
}
