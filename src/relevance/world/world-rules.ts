/**
 * The instruction of the rule world, and the target frequency of each rule.
 *
 * Exceptions come first, because they override the general rule of their criterion and gold traces cite the first rules
 * in this order. The general rule of the type comes last, because it is the least informative where everything fits.
 */
import { type Instruction, parseInstruction, type Rule } from '../rules/instruction.ts';
import { WORN_CONDITIONS } from './world-vocabulary.ts';

const EXCEPTIONS: readonly Rule[] = [
  {
    id: 'kitchen-worn',
    criterion: 'overall',
    scope: 'kitchen',
    when: { kind: 'unasked', attribute: 'condition', values: [...WORN_CONDITIONS] },
    cap: 0,
    text: 'Used or refurbished kitchenware is unacceptable unless asked for.',
  },
  {
    id: 'worn',
    criterion: 'overall',
    when: { kind: 'unasked', attribute: 'condition', values: [...WORN_CONDITIONS] },
    cap: 2,
    text: 'A used or refurbished offer has a shortcoming unless asked for.',
  },
  {
    id: 'outdoor-replaces',
    criterion: 'type',
    scope: 'outdoor',
    when: { kind: 'type', is: ['alternative'] },
    cap: 2,
    text: 'Outdoors, another type that replaces the asked one serves nearly as well.',
  },
  {
    id: 'replaces',
    criterion: 'type',
    when: { kind: 'type', is: ['alternative'] },
    cap: 1,
    text: 'Another type that says it replaces the asked one touches the need.',
  },
  {
    id: 'tools-brand-absent',
    criterion: 'brand',
    scope: 'tools',
    when: { kind: 'brand', is: ['absent'] },
    cap: 1,
    text: 'A tool without a stated brand is little use to someone who asked for one.',
  },
  {
    id: 'tools-colour-other',
    criterion: 'attribute',
    scope: 'tools',
    when: { kind: 'attribute', is: ['other', 'absent'], of: 'colour' },
    cap: 3,
    text: 'The colour of a tool does not matter.',
  },
  {
    id: 'lighting-colour-other',
    criterion: 'attribute',
    scope: 'lighting',
    when: { kind: 'attribute', is: ['other'], of: 'colour' },
    cap: 0,
    text: 'A light of another colour is useless.',
  },
  {
    id: 'kitchen-colour-other',
    criterion: 'attribute',
    scope: 'kitchen',
    when: { kind: 'attribute', is: ['other'], of: 'colour' },
    cap: 2,
    text: 'Another colour is a small shortcoming in the kitchen.',
  },
  {
    id: 'audio-feature-absent',
    criterion: 'attribute',
    scope: 'audio',
    when: { kind: 'attribute', is: ['absent'], of: 'feature' },
    cap: 1,
    text: 'An audio feature that is not stated must be taken as missing.',
  },
  {
    id: 'outdoor-larger',
    criterion: 'quantity',
    scope: 'outdoor',
    when: { kind: 'quantity', is: ['larger'] },
    cap: 3,
    text: 'Outdoors, more capacity than asked for is welcome.',
  },
  {
    id: 'clothing-size-other',
    criterion: 'quantity',
    scope: 'clothing',
    when: { kind: 'quantity', is: ['near', 'far'] },
    cap: 0,
    text: 'Clothing in another size cannot be worn.',
  },
  {
    id: 'tools-size-near',
    criterion: 'quantity',
    scope: 'tools',
    when: { kind: 'quantity', is: ['near'] },
    cap: 0,
    text: 'A tool that nearly fits does not fit, and is easily bought by mistake.',
  },
  {
    id: 'clothing-audience-other',
    criterion: 'audience',
    scope: 'clothing',
    when: { kind: 'audience', is: ['other'] },
    cap: 0,
    text: 'Clothing made for others does not fit.',
  },
  {
    id: 'audience-other',
    criterion: 'audience',
    when: { kind: 'audience', is: ['other', 'absent'] },
    cap: 2,
    text: 'Made for others, or not said for whom.',
  },
  {
    id: 'audience-same',
    criterion: 'audience',
    when: { kind: 'audience', is: ['same'] },
    cap: 3,
    text: 'Made for those it is asked for.',
  },
  {
    id: 'kitchen-accessory',
    criterion: 'accessory',
    scope: 'kitchen',
    when: { kind: 'accessory', is: ['only'] },
    cap: 1,
    text: 'A spare part for the asked kitchenware touches the need.',
  },
  {
    id: 'accessory-misfit',
    criterion: 'accessory',
    when: { kind: 'accessory', is: ['misfits', 'absent'] },
    cap: 1,
    text: 'An accessory for something else, or not said for what.',
  },
  {
    id: 'accessory-fits',
    criterion: 'accessory',
    when: { kind: 'accessory', is: ['fits'] },
    cap: 3,
    text: 'An accessory for the very thing.',
  },
];

const GENERAL_RULES: readonly Rule[] = [
  {
    id: 'accessory-only',
    criterion: 'accessory',
    when: { kind: 'accessory', is: ['only'] },
    cap: 0,
    text: 'An accessory is not the thing it is for.',
  },
  {
    id: 'negation-violated',
    criterion: 'negation',
    when: { kind: 'negation', is: ['violated'] },
    cap: 0,
    text: 'It has what was to be left out.',
  },
  {
    id: 'negation-respected',
    criterion: 'negation',
    when: { kind: 'negation', is: ['respected'] },
    cap: 3,
    text: 'It lacks what was to be left out.',
  },
  {
    id: 'quantity-far',
    criterion: 'quantity',
    when: { kind: 'quantity', is: ['far'] },
    cap: 1,
    text: 'The size is far from the asked one.',
  },
  {
    id: 'quantity-near',
    criterion: 'quantity',
    when: { kind: 'quantity', is: ['near', 'absent'] },
    cap: 2,
    text: 'The size is within a fifth of the asked one, or not stated.',
  },
  {
    id: 'quantity-same',
    criterion: 'quantity',
    when: { kind: 'quantity', is: ['same'] },
    cap: 3,
    text: 'The size is the asked one, in whatever unit.',
  },
  {
    id: 'attribute-other',
    criterion: 'attribute',
    when: { kind: 'attribute', is: ['other'] },
    cap: 1,
    text: 'Another colour or material than asked for.',
  },
  {
    id: 'attribute-absent',
    criterion: 'attribute',
    when: { kind: 'attribute', is: ['absent'] },
    cap: 2,
    text: 'The asked property is not stated.',
  },
  {
    id: 'attribute-same',
    criterion: 'attribute',
    when: { kind: 'attribute', is: ['same'] },
    cap: 3,
    text: 'It has the asked property.',
  },
  {
    id: 'brand-other',
    criterion: 'brand',
    when: { kind: 'brand', is: ['other'] },
    cap: 1,
    text: 'Another brand than asked for.',
  },
  {
    id: 'brand-absent',
    criterion: 'brand',
    when: { kind: 'brand', is: ['absent'] },
    cap: 2,
    text: 'The asked brand is not stated.',
  },
  {
    id: 'brand-same',
    criterion: 'brand',
    when: { kind: 'brand', is: ['same'] },
    cap: 3,
    text: 'The asked brand.',
  },
  {
    id: 'type-different',
    criterion: 'type',
    when: { kind: 'type', is: ['different'] },
    cap: 0,
    text: 'Another type of thing than asked for.',
  },
  {
    id: 'type-same',
    criterion: 'type',
    when: { kind: 'type', is: ['same'] },
    cap: 3,
    text: 'The asked type of thing.',
  },
];

/** The instruction of the rule world. */
export const WORLD_INSTRUCTION: Instruction = parseInstruction({
  name: 'Rule world',
  version: 0,
  scaleSize: 4,
  rules: [...EXCEPTIONS, ...GENERAL_RULES],
});

/**
 * The rules that documents target, by the label they imply, most frequent first. The share of the rule at rank r of its
 * label is proportional to r^-zipfExponent. `type-same` is missing because it holds wherever another positive rule
 * does.
 */
export const FREQUENCY_RANKS: readonly (readonly string[])[] = [
  [
    'type-different',
    'accessory-only',
    'negation-violated',
    'kitchen-worn',
    'lighting-colour-other',
    'tools-size-near',
    'clothing-size-other',
    'clothing-audience-other',
  ],
  [
    'brand-other',
    'attribute-other',
    'quantity-far',
    'replaces',
    'tools-brand-absent',
    'kitchen-accessory',
    'accessory-misfit',
    'audio-feature-absent',
  ],
  [
    'attribute-absent',
    'brand-absent',
    'quantity-near',
    'worn',
    'outdoor-replaces',
    'audience-other',
    'kitchen-colour-other',
  ],
  [
    'attribute-same',
    'brand-same',
    'quantity-same',
    'negation-respected',
    'audience-same',
    'accessory-fits',
    'tools-colour-other',
    'outdoor-larger',
  ],
];
