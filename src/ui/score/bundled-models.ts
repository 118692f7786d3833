/**
 * The models that come with the page. All but the default one are fetched when somebody asks for them. The default one has
 * reasons to show and examples of its world; the general one is for everybody's own texts, and its reader is told what it
 * cannot do.
 */

/** One of them. */
export interface BundledModel {
  /** In addresses. */
  readonly id: string;
  readonly name: string;
  /** Relative to the page. */
  readonly folder: string;
  /** What it is for, where it is offered to answer by itself. */
  readonly purpose?: string;
  /** False for one that learned labels alone. */
  readonly givesReasons?: false;
}

/** The one that answers unless another is asked for, and the only one that a first visit fetches. */
export const DEFAULT_MODEL = {
  id: 'default',
  name: 'Default model',
  folder: 'models/default/',
  purpose: 'Learned in a generated world of products, with reasons that can be checked. Knows only that world.',
} as const satisfies BundledModel;

export const BUNDLED_MODELS: readonly BundledModel[] = [
  DEFAULT_MODEL,
  {
    id: 'general',
    name: 'General model',
    folder: 'models/general/',
    givesReasons: false,
    purpose:
      'Learned from what people judged in product and film search. For any text: it goes by shared words and numbers alone, ' +
      'and gives no reasons. One pair tells it less than the list it stands in, which "lab score" reads.',
  },
  { id: 'student', name: 'Student: a third of the default model, taught by it', folder: 'models/lab-nano-student/' },
  { id: 'start', name: 'Supervised start of the demonstration', folder: 'models/lab-nano-start/' },
  { id: 'collapsed', name: 'Collapsed: GRPO alone', folder: 'models/lab-nano-collapsed/' },
  { id: 'balanced', name: 'Balanced: GRPO with an expert loss', folder: 'models/lab-nano-balanced/' },
];

/** The bundled model with an id; the default one for any other. */
export function bundledModel(id: string | undefined): BundledModel {
  return BUNDLED_MODELS.find((model) => model.id === id) ?? DEFAULT_MODEL;
}
