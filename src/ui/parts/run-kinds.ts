/** Whether the Train view goes on with runs and checkpoints of a kind: those of branches belong to the Collapse view. */
export function isSingleRun(kind: string): boolean {
  return kind === 'sft' || kind === 'distill';
}
