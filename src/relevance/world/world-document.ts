/**
 * Documents of the rule world. Each is planned as relations to its query and then written so that the pair itself
 * contains everything a rule needs.
 */
import type { Rng } from '../../common/rng.ts';
import {
  AUDIENCE_ATTRIBUTE,
  CATEGORY_ATTRIBUTE,
  FOR_ATTRIBUTE,
  REPLACES_ATTRIBUTE,
  type RelationCondition,
} from '../rules/facts.ts';
import type { Rule } from '../rules/instruction.ts';
import type { LabDocument } from '../pair/pair.ts';
import { NEAR_TOLERANCE } from '../pair/quantities.ts';
import { type QueryPlan, sizeText } from './world-query.ts';
import {
  AUDIENCES,
  COLOURS,
  NEW_CONDITION,
  type Vertical,
  VERTICAL_WORDS,
  VERTICALS,
  type WordPool,
  WORN_CONDITIONS,
} from './world-vocabulary.ts';

type Relation<Kind extends RelationCondition['kind']> = Extract<RelationCondition, { kind: Kind }>['is'][number];

/** The relations of a document to its query. Relations to wishes that the query lacks are ignored. */
export interface DocumentPlan {
  type: Relation<'type'>;
  brand: Relation<'brand'>;
  attribute: Relation<'attribute'>;
  quantity: Relation<'quantity'>;
  negation: Relation<'negation'>;
  accessory: Relation<'accessory'>;
  audience: Relation<'audience'>;
  isWorn: boolean;
}

const ALL_FITS: DocumentPlan = {
  type: 'same',
  brand: 'same',
  attribute: 'same',
  quantity: 'same',
  negation: 'respected',
  accessory: 'fits',
  audience: 'same',
  isWorn: false,
};

/**
 * Plans a document on which a rule should bind: everything fits except what the rule is about.
 *
 * @param isHard - if false, other wishes may be unmet too, so that the words reveal the low label
 */
export function planDocument(rule: Rule, isHard: boolean, rng: Rng): DocumentPlan {
  const plan: DocumentPlan = { ...ALL_FITS };
  if (!isHard) {
    plan.brand = rng.pick(['same', 'other', 'absent']);
    plan.attribute = rng.pick(['same', 'other', 'absent']);
    plan.quantity = rng.pick(['same', 'near', 'far', 'absent']);
    plan.audience = rng.pick(['same', 'other', 'absent']);
    plan.accessory = rng.pick(['fits', 'misfits', 'absent']);
  }
  const { when } = rule;
  switch (when.kind) {
    case 'type':
      plan.type = rng.pick(when.is);
      break;
    case 'brand':
      plan.brand = rng.pick(when.is);
      break;
    case 'attribute':
      plan.attribute = rng.pick(when.is);
      break;
    case 'quantity':
      plan.quantity = rng.pick(when.is);
      break;
    case 'negation':
      plan.negation = rng.pick(when.is);
      break;
    case 'accessory':
      plan.accessory = rng.pick(when.is);
      break;
    case 'audience':
      plan.audience = rng.pick(when.is);
      break;
    case 'unasked':
      plan.isWorn = true;
      break;
    case 'overlap':
    case 'phrase':
    case 'query-length':
    case 'unasked-word':
      break;
    default:
      when satisfies never;
  }
  return plan;
}

/** How often a document has an attribute that was not asked for, so that extra attributes are not informative. */
const EXTRA_SHARE = 0.55;
/** The most attributes of a document, including its category. */
const MAX_ATTRIBUTES = 4;

/** Writes a planned document. A relation for which the query has no room is approximated. */
export function writeDocument(
  docId: string,
  plan: DocumentPlan,
  query: QueryPlan,
  pool: WordPool,
  rng: Rng,
): LabDocument {
  const vertical = query.shape.vertical;
  const { type, home } = chooseType(plan, query, pool, rng);
  const brand = chooseBrand(plan, query, pool, rng);
  const wished: (readonly [string, string])[] = rng.shuffle(
    Object.entries(wishedAttributes(plan, query, type, pool, rng)),
  );
  if (home === vertical && wished.length + 1 < MAX_ATTRIBUTES && rng.chance(EXTRA_SHARE)) {
    const extra = extraAttribute(query, type, pool, rng);
    if (!wished.some(([name]) => name === extra[0])) wished.push(extra);
  }
  const attributes = Object.fromEntries([[CATEGORY_ATTRIBUTE, home], ...wished.slice(0, MAX_ATTRIBUTES - 1)]);
  return { docId, title: writeTitle(brand, type, attributes, rng), brand, type, attributes, text: '' };
}

function chooseType(plan: DocumentPlan, query: QueryPlan, pool: WordPool, rng: Rng): { type: string; home: Vertical } {
  const { vertical } = query.shape;
  if (plan.accessory === 'only') return { type: rng.pick(pool.accessories[vertical]), home: vertical };
  if (plan.type === 'same') return { type: query.type, home: vertical };
  // The product itself instead of an accessory for it.
  if (query.target !== undefined && rng.chance(0.4)) return { type: query.target, home: vertical };
  // Another accessory, so that having a "for" is not informative.
  if (rng.chance(query.target === undefined ? 0.2 : 0.5)) {
    return { type: pickOther(pool.accessories[vertical], query.type, rng), home: vertical };
  }
  const home = plan.type === 'different' && rng.chance(0.15) ? rng.pick(VERTICALS) : vertical;
  return { type: pickOther(pool.things[home], query.type, rng), home };
}

function chooseBrand(plan: DocumentPlan, query: QueryPlan, pool: WordPool, rng: Rng): string {
  if (query.brand === undefined) return rng.chance(0.15) ? '' : rng.pick(pool.brands);
  if (plan.brand === 'absent') return '';
  return plan.brand === 'same' ? query.brand : pickOther(pool.brands, query.brand, rng);
}

function wishedAttributes(
  plan: DocumentPlan,
  query: QueryPlan,
  type: string,
  pool: WordPool,
  rng: Rng,
): Record<string, string> {
  const { vertical } = query.shape;
  const words = VERTICAL_WORDS[vertical];
  const attributes: Record<string, string> = {};
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined) attributes[name] = value;
  };
  const valueFor = (
    wish: string | undefined,
    relation: 'same' | 'other' | 'absent',
    values: readonly string[],
  ): string | undefined => {
    if (wish === undefined || relation === 'absent') return undefined;
    return relation === 'same' ? wish : pickOther(values, wish, rng);
  };
  set('colour', valueFor(query.colour, plan.attribute, COLOURS));
  set('material', valueFor(query.material, plan.attribute, words.materials));
  // A feature may be absent because another one is given.
  const feature = plan.attribute === 'absent' && rng.chance(0.5) ? 'other' : plan.attribute;
  set('feature', valueFor(query.feature, feature, words.features));
  if (query.without !== undefined && (plan.negation === 'violated' || rng.chance(0.7))) {
    set('feature', valueFor(query.without, plan.negation === 'violated' ? 'same' : 'other', words.features));
  }
  set(AUDIENCE_ATTRIBUTE, valueFor(query.audience, plan.audience, AUDIENCES));
  set(words.size.attribute, query.size === undefined ? undefined : offeredSize(plan, query.size, vertical, rng));
  if (plan.accessory === 'only') set(FOR_ATTRIBUTE, query.type);
  else if (plan.accessory !== 'absent' && pool.accessories[vertical].includes(type)) {
    set(FOR_ATTRIBUTE, valueFor(query.target, plan.accessory === 'fits' ? 'same' : 'other', pool.things[vertical]));
  }
  if (plan.type === 'alternative') set(REPLACES_ATTRIBUTE, query.type);
  if (plan.isWorn) set('condition', rng.pick(WORN_CONDITIONS));
  return attributes;
}

function offeredSize({ quantity }: DocumentPlan, asked: number, vertical: Vertical, rng: Rng): string | undefined {
  const isNear = (value: number): boolean => Math.abs(value - asked) <= NEAR_TOLERANCE * asked + 1e-9;
  // "Far" is above or below equally often, however many sizes each side has.
  const isFarAbove = rng.chance(0.5);
  const values = VERTICAL_WORDS[vertical].size.values.filter((value) => {
    switch (quantity) {
      case 'same':
        return value === asked;
      case 'near':
        return value !== asked && isNear(value);
      case 'far':
        return !isNear(value) && value > asked === isFarAbove;
      case 'larger':
        return value > asked;
      case 'smaller':
        return value < asked;
      case 'absent':
        return false;
      default:
        return quantity satisfies never;
    }
  });
  return values.length === 0 ? undefined : sizeText(vertical, rng.pick(values), rng);
}

/** An attribute that the query does not ask for, in its vertical. */
function extraAttribute(query: QueryPlan, type: string, pool: WordPool, rng: Rng): readonly [string, string] {
  const { vertical } = query.shape;
  const { materials, features, size } = VERTICAL_WORDS[vertical];
  const options: (readonly [string, string])[] = [
    ['condition', NEW_CONDITION],
    [REPLACES_ATTRIBUTE, pickOther(pool.things[vertical], query.type, rng)],
  ];
  if (query.colour === undefined) options.push(['colour', rng.pick(COLOURS)]);
  if (query.material === undefined) options.push(['material', rng.pick(materials)]);
  if (query.feature === undefined && query.without === undefined) options.push(['feature', rng.pick(features)]);
  if (query.size === undefined) options.push([size.attribute, sizeText(vertical, rng.pick(size.values), rng)]);
  if (query.audience === undefined) options.push([AUDIENCE_ATTRIBUTE, rng.pick(AUDIENCES)]);
  if (query.target === undefined && pool.accessories[vertical].includes(type)) {
    return [FOR_ATTRIBUTE, pickOther(pool.things[vertical], query.type, rng)];
  }
  return rng.pick(options);
}

/** A title of two or three words, the type last. */
function writeTitle(brand: string, type: string, attributes: Readonly<Record<string, string>>, rng: Rng): string {
  const adjectives = ['colour', 'material', 'feature']
    .map((name) => attributes[name])
    .filter((word) => word !== undefined);
  const served = attributes[FOR_ATTRIBUTE];
  const words = [
    brand !== '' && rng.chance(0.55) ? brand : undefined,
    adjectives.length > 0 && rng.chance(0.45) ? rng.pick(adjectives) : undefined,
    served !== undefined && rng.chance(0.5) ? served : undefined,
    type,
  ].filter((word) => word !== undefined);
  if (words.length === 1) words.unshift(brand !== '' ? brand : (adjectives[0] ?? attributes[CATEGORY_ATTRIBUTE] ?? ''));
  return words.slice(-3).join(' ');
}

function pickOther(words: readonly string[], word: string, rng: Rng): string {
  const others = words.filter((other) => other !== word);
  return rng.pick(others);
}
