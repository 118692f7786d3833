/** Whether the Train view handles runs and checkpoints of a kind; branches belong to the Collapse view. */
export function isSingleRun(kind: string): boolean {
  return kind === 'sft' || kind === 'distill';
}
