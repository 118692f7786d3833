/** Which unfinished runs are offered, and how. */
import { describe, expect, it } from 'vitest';
import type { CheckpointOverview, UnfinishedRun } from '../../../../src/protocol/checkpoints.ts';
import { offersOf } from '../../../../src/ui/train/run-offers.ts';

const run = (change: Partial<UnfinishedRun>): UnfinishedRun => ({
  id: 'r',
  name: 'first-model',
  kind: 'sft',
  configJson: '{}',
  totalSteps: 2000,
  startedAt: 0,
  state: 'interrupted',
  lastCheckpoint: { id: 'c', step: 1340 },
  ...change,
});
const overview = (...runs: UnfinishedRun[]): CheckpointOverview => ({
  checkpoints: [],
  damaged: [],
  runs,
  space: { usedBytes: null, quotaBytes: null, isPersistent: null },
});

describe('offers', () => {
  it('continue from the last checkpoint, and name its step', () => {
    const [offer] = offersOf(overview(run({})), new Set());
    expect(offer).toMatchObject({ way: 'go-on', heading: 'A run stopped at step 1,340 of 2,000' });
  });

  it('start again where nothing was saved, and wait while another tab runs it', () => {
    const offers = offersOf(overview(run({ lastCheckpoint: null }), run({ state: 'alive' })), new Set());
    expect(offers.map(({ way }) => way)).toEqual(['start-again', 'wait']);
  });

  it('say so where the browser cannot tell whether another tab is alive', () => {
    const [offer] = offersOf(overview(run({ state: 'unknown' })), new Set());
    expect(offer?.way).toBe('go-on');
    expect(offer?.text).toMatch(/cannot tell/u);
  });

  it('leave out the run that the page shows', () => {
    expect(offersOf(overview(run({ id: 'mine' })), new Set(['mine']))).toEqual([]);
  });
});
