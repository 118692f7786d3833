/**
 * The words of the rule world: six verticals of everyday products, and invented brands. Types and brands are split into
 * three equal pools: used in all splits, in training only, and in the test split only, so that half of the brands and
 * types in the test split are new to a model.
 */
import { Rng } from '../../common/rng.ts';
import type { LexiconData } from '../pair/lexicon.ts';

export const VERTICALS = ['kitchen', 'audio', 'lighting', 'tools', 'outdoor', 'clothing'] as const;
export type Vertical = (typeof VERTICALS)[number];

/** The quantity that products of a vertical have. */
export interface SizeWords {
  /** The attribute with the quantity. */
  readonly attribute: string;
  /** Its units, with their size in the first unit; '' for a bare number. */
  readonly units: readonly { readonly name: string; readonly size: number }[];
  /** In the first unit. */
  readonly values: readonly number[];
}

export interface VerticalWords {
  /** Products that people search for. */
  readonly things: readonly string[];
  /** Accessories of these products. */
  readonly accessories: readonly string[];
  readonly materials: readonly string[];
  readonly features: readonly string[];
  readonly size: SizeWords;
}

export const COLOURS = ['red', 'blue', 'green', 'black', 'white', 'grey', 'yellow', 'brown'] as const;
export const AUDIENCES = ['kids', 'women', 'men', 'beginners', 'experts'] as const;
export const NEW_CONDITION = 'new';
export const WORN_CONDITIONS = ['used', 'refurbished'] as const;

const list = (text: string): string[] => text.split(' ');
const LITRES = [
  { name: 'ml', size: 1 },
  { name: 'l', size: 1000 },
];

export const VERTICAL_WORDS: Readonly<Record<Vertical, VerticalWords>> = {
  kitchen: {
    things: list('kettle toaster blender pan pot wok grater whisk mixer juicer ladle fryer steamer teapot bowl'),
    accessories: list('lid sieve handle'),
    materials: list('steel copper glass ceramic'),
    features: list('timer whistle spout thermostat'),
    size: { attribute: 'capacity', units: LITRES, values: [250, 300, 500, 600, 900, 1000, 1500, 1800, 2500, 3000] },
  },
  audio: {
    things: list(
      'speaker headphones soundbar turntable microphone amplifier earbuds radio receiver recorder tuner subwoofer megaphone jukebox synthesizer',
    ),
    accessories: list('earpad cable pouch'),
    materials: list('plastic aluminium leather wood'),
    features: list('bluetooth equalizer alarm wifi'),
    size: {
      attribute: 'runtime',
      units: [
        { name: 'min', size: 1 },
        { name: 'h', size: 60 },
      ],
      values: [90, 120, 180, 210, 300, 360, 480, 540, 720, 840],
    },
  },
  lighting: {
    things: list(
      'lamp lantern chandelier sconce spotlight torch floodlight nightlight candle downlight headlamp pendant uplighter beacon luminaire',
    ),
    accessories: list('shade dimmer socket'),
    materials: list('glass brass paper bamboo'),
    features: list('sensor remote battery swivel'),
    size: {
      attribute: 'height',
      units: [
        { name: 'cm', size: 1 },
        { name: 'm', size: 100 },
      ],
      values: [20, 25, 40, 50, 80, 90, 120, 150, 180, 220],
    },
  },
  tools: {
    things: list(
      'drill hammer saw wrench screwdriver sander chisel pliers router grinder rasp clamp jigsaw planer mallet',
    ),
    accessories: list('blade holster bit'),
    materials: list('steel titanium rubber wood'),
    features: list('laser magnet ratchet charger'),
    size: {
      attribute: 'width',
      units: [
        { name: 'mm', size: 1 },
        { name: 'cm', size: 10 },
      ],
      values: [20, 25, 40, 50, 80, 90, 120, 150, 180, 220],
    },
  },
  outdoor: {
    things: list(
      'backpack rucksack duffel cooler canteen flask jerrycan drybag pannier daypack bucket tank barrel basket saddlebag',
    ),
    accessories: list('strap raincover buckle'),
    materials: list('nylon canvas leather plastic'),
    features: list('wheels insulation whistle reflector'),
    size: {
      attribute: 'capacity',
      units: LITRES,
      values: [1000, 1500, 2500, 3000, 5000, 6000, 10000, 12000, 20000, 25000],
    },
  },
  clothing: {
    things: list(
      'jacket sweater shirt trousers skirt coat hoodie vest blouse dress jeans shorts cardigan parka leggings',
    ),
    accessories: list('belt liner zipper'),
    materials: list('cotton wool linen leather'),
    features: list('pockets padding collar fleece'),
    size: { attribute: 'size', units: [{ name: '', size: 1 }], values: [34, 36, 38, 40, 42, 44, 46, 48, 50, 52] },
  },
};

const ONSETS = list('zor mu kel vi tra nel bo sar fi dun lo gri pas hel ca rin jo mav');
const ENDINGS = list('vex lano dik ton mira zeb ru fell nok sa quin dor vita lux pem ghan');

/** Invented brand names of two syllables each, in an order that depends on the seed. */
export function inventBrands(count: number, seed: number): string[] {
  const names = ONSETS.flatMap((onset) => ENDINGS.map((ending) => onset + ending));
  return new Rng(seed).fork('brands').shuffle(names).slice(0, count);
}

/** The number of distinct brands of {@link inventBrands}. */
export const MAX_BRANDS = ONSETS.length * ENDINGS.length;

/** The splits of the world: for training, for model selection, for reporting. */
export const SPLITS = ['train', 'dev', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** The brands and types one split may use. */
export interface WordPool {
  readonly brands: readonly string[];
  readonly things: Readonly<Record<Vertical, readonly string[]>>;
  readonly accessories: Readonly<Record<Vertical, readonly string[]>>;
}

/** The pools of the splits. Dev uses the words of training; half of the words of test occur in no other split. */
export function makePools(brands: readonly string[], seed: number): Readonly<Record<Split, WordPool>> {
  const rng = new Rng(seed).fork('pools');
  const brandThirds = thirds(brands);
  const thingThirds = byVertical((vertical) => thirds(rng.shuffle(VERTICAL_WORDS[vertical].things)));
  const accessoryThirds = byVertical((vertical) => thirds(rng.shuffle(VERTICAL_WORDS[vertical].accessories)));
  const pool = (own: 'known' | 'new'): WordPool => ({
    brands: [...brandThirds.shared, ...brandThirds[own]],
    things: byVertical((vertical) => [...thingThirds[vertical].shared, ...thingThirds[vertical][own]]),
    accessories: byVertical((vertical) => [...accessoryThirds[vertical].shared, ...accessoryThirds[vertical][own]]),
  });
  return { train: pool('known'), dev: pool('known'), test: pool('new') };
}

/** The lexicon of the executor: every word of the world, whatever its pool. */
export function worldLexicon(brands: readonly string[]): LexiconData {
  const all = VERTICALS.map((vertical) => ({ vertical, ...VERTICAL_WORDS[vertical] }));
  return {
    brands,
    types: Object.fromEntries(
      all.flatMap(({ vertical, things, accessories }) => [...things, ...accessories].map((type) => [type, vertical])),
    ),
    attributes: {
      colour: { values: COLOURS, exclusive: true },
      material: { values: [...new Set(all.flatMap(({ materials }) => materials))], exclusive: true },
      feature: { values: [...new Set(all.flatMap(({ features }) => features))], exclusive: false },
    },
    audiences: AUDIENCES,
  };
}

function thirds(words: readonly string[]): Readonly<Record<'shared' | 'known' | 'new', readonly string[]>> {
  const size = Math.floor(words.length / 3);
  return { shared: words.slice(0, size), known: words.slice(size, -size), new: words.slice(-size) };
}

function byVertical<T>(make: (vertical: Vertical) => T): Record<Vertical, T> {
  return {
    kitchen: make('kitchen'),
    audio: make('audio'),
    lighting: make('lighting'),
    tools: make('tools'),
    outdoor: make('outdoor'),
    clothing: make('clothing'),
  };
}
