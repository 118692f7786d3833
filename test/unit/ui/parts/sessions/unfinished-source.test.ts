/** Where a run without a checkpoint starts again, by its record. */
import { describe, expect, it } from 'vitest';
import type { UnfinishedRun } from '../../../../../src/protocol/checkpoints.ts';
import { sourceOf } from '../../../../../src/ui/parts/sessions/unfinished-source.ts';

function run(config: unknown, kind = 'sft'): UnfinishedRun {
  const facts = { id: 'r', name: 'first', totalSteps: 2, startedAt: 0, state: 'interrupted', lastCheckpoint: null } as const; // prettier-ignore
  return { ...facts, kind, configJson: JSON.stringify(config) };
}

describe('the source of an unfinished run', () => {
  it('is its settings, with the address of its start or its teacher where it has one', () => {
    const [experiment, url] = [{ name: 'x' }, 'https://lab.test/models/general/'];
    expect(sourceOf(run(experiment))).toEqual({ kind: 'experiment', experiment, runId: 'r' });
    expect(sourceOf(run({ experiment, startUrl: url }))).toEqual({ kind: 'continuation', experiment, startUrl: url, runId: 'r' }); // prettier-ignore
    expect(sourceOf(run({ experiment, teacherUrl: url }, 'distill'))).toEqual({ kind: 'student', experiment, teacherUrl: url, runId: 'r' }); // prettier-ignore
  });

  it.each([
    [{ experiment: {} }, 'sft'],
    [{ experiment: {}, startUrl: null }, 'sft'],
    [{ name: 'x', start: { name: 'general', hash: 'h' } }, 'sft'],
    [{ experiment: {} }, 'distill'],
  ])('is refused where the address is missing: %j', (config, kind) => {
    expect(() => sourceOf(run(config, kind))).toThrow(/does not say where its (start|teacher) is/u);
  });
});
