/**
 * The models that come with the page. All are fetched on demand. The general model is for the reader's own texts, and
 * its description states its limits; that of the rule world has more reasons to show, and examples from its world.
 */

/** A bundled model. */
export interface BundledModel {
  /** The id in addresses. */
  readonly id: string;
  readonly name: string;
  /** The folder, relative to the page. */
  readonly folder: string;
  /** Its purpose, shown where it can be chosen to answer. */
  readonly purpose?: string;
  /** False for a model that learned from other pairs than those of the rule world. */
  readonly isOfWorld?: false;
}

/** The model that answers unless another is chosen, and the only one that a first visit to the Score view fetches. */
export const SCORE_MODEL = {
  id: 'general',
  name: 'General model',
  folder: 'models/general/',
  isOfWorld: false,
  purpose:
    'Learned from human judgments of product and film search, for any text: it compares words, numbers and meanings; its ' +
    'reasons speak of words alone. One pair tells it less than a whole list, which Files reads.',
} as const satisfies BundledModel;

/** The model of the generated world, which lessons use and experiments begin with. Addresses know it as the default one. */
export const WORLD_MODEL = {
  id: 'default',
  name: 'Model of the rule world',
  folder: 'models/default/',
  purpose: 'Learned in a generated world of products, with reasons that can be checked. Knows only that world.',
} as const satisfies BundledModel;

/** The model that reinforcement starts from unless another is chosen. */
export const START_FOLDER = 'models/lab-nano-start/';

export const BUNDLED_MODELS: readonly BundledModel[] = [
  SCORE_MODEL,
  WORLD_MODEL,
  {
    id: 'student',
    name: 'Student: a third of the model of the rule world, taught by it',
    folder: 'models/lab-nano-student/',
  },
  { id: 'start', name: 'Supervised start of the demonstration', folder: START_FOLDER },
  { id: 'collapsed', name: 'Collapsed: GRPO alone', folder: 'models/lab-nano-collapsed/' },
  { id: 'balanced', name: 'Balanced: GRPO with an expert loss', folder: 'models/lab-nano-balanced/' },
];

/** The bundled model with an id; that of the Score view for any other id. */
export function bundledModel(id: string | undefined): BundledModel {
  return BUNDLED_MODELS.find((model) => model.id === id) ?? SCORE_MODEL;
}
