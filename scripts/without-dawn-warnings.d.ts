/** Passes text on without the warnings that Dawn prints for every adapter. */
export function withoutDawnWarnings(write: (text: string) => void): {
  readonly push: (text: string) => void;
  readonly end: () => void;
};
