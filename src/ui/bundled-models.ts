/**
 * The models that come with the page. All but the default one are fetched when somebody asks for them.
 */

/** One of them. */
export interface BundledModel {
  /** In addresses. */
  readonly id: string;
  readonly name: string;
  /** Relative to the page. */
  readonly folder: string;
}

export const BUNDLED_MODELS: readonly BundledModel[] = [
  { id: 'default', name: 'Default model', folder: 'models/default/' },
  { id: 'start', name: 'Supervised start of the demonstration', folder: 'models/lab-nano-start/' },
  { id: 'collapsed', name: 'Collapsed: GRPO alone', folder: 'models/lab-nano-collapsed/' },
  { id: 'balanced', name: 'Balanced: GRPO with an expert loss', folder: 'models/lab-nano-balanced/' },
];
