/**
 * The models that come with the page. All except the default one are fetched on demand. The default model has reasons
 * to show and examples from its world; the general one is for the reader's own texts, and its description states its
 * limits.
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

/** The model that answers unless another is chosen, and the only one that a first visit fetches. */
export const DEFAULT_MODEL = {
  id: 'default',
  name: 'Default model',
  folder: 'models/default/',
  purpose: 'Learned in a generated world of products, with reasons that can be checked. Knows only that world.',
} as const satisfies BundledModel;

/** The model that reinforcement starts from unless another is chosen. */
export const START_FOLDER = 'models/lab-nano-start/';

export const BUNDLED_MODELS: readonly BundledModel[] = [
  DEFAULT_MODEL,
  {
    id: 'general',
    name: 'General model',
    folder: 'models/general/',
    isOfWorld: false,
    purpose:
      'Learned from human judgments in product and film search. For any text: it relies on shared words and numbers alone, ' +
      'and so do its reasons. One pair tells it less than a whole result list, which Files reads.',
  },
  { id: 'student', name: 'Student: a third of the default model, taught by it', folder: 'models/lab-nano-student/' },
  { id: 'start', name: 'Supervised start of the demonstration', folder: START_FOLDER },
  { id: 'collapsed', name: 'Collapsed: GRPO alone', folder: 'models/lab-nano-collapsed/' },
  { id: 'balanced', name: 'Balanced: GRPO with an expert loss', folder: 'models/lab-nano-balanced/' },
];

/** The bundled model with an id; the default one for any other id. */
export function bundledModel(id: string | undefined): BundledModel {
  return BUNDLED_MODELS.find((model) => model.id === id) ?? DEFAULT_MODEL;
}
