/** A live branch as a recording: what the worker said of it, and nothing where some of that is not known. */
import { describe, expect, it } from 'vitest';
import type { GrpoEvent, GrpoEventOf } from '../../../../src/protocol/grpo.ts';
import { parseRecording } from '../../../../src/protocol/recording.ts';
import { branchRecording } from '../../../../src/ui/collapse/branch-recording.ts';
import { applyGrpoEvent, type BranchState, STARTED_DEMONSTRATION } from '../../../../src/ui/collapse/collapse-state.ts';
import { SMALL_FRAMES, smallRecording } from '../flow/small-recording.ts';

const SMALL = smallRecording();
const prepared: GrpoEventOf<'prepared'> = {
  kind: 'prepared',
  modelName: 'a start',
  parameters: 42,
  worldHash: 'feed',
  rules: SMALL.rules,
  labelNames: SMALL.labelNames,
  pairs: SMALL.pairs,
  startHash: 'abcd',
  bounds: { rewardGain: 0.05, tailRecallLoss: 0.2, distinctRulesLoss: 0.3 },
};
const branch = (id: number, parent: GrpoEventOf<'branch'>['parent'], step: number): GrpoEvent => {
  const curve = SMALL_FRAMES.filter((frame) => parent !== null && frame.step <= step);
  const points = curve.map(({ step: at, measures, collapse }) => ({ step: at, measures, collapse }));
  return { kind: 'branch', branch: id, name: `b${id}`, parent, experiment: { grpo: { seed: 7 } }, step, steps: 20, curve: points }; // prettier-ignore
};
const measure = (id: number, at: number, isKnown = true): GrpoEvent[] =>
  SMALL_FRAMES.slice(at, at + 1).map(({ step, measures, collapse, answers }) => {
    const point = { step, measures, collapse };
    return { kind: 'measure', branch: id, point, answers: isKnown ? answers : null, elapsedMs: 1 };
  });

function branchesAfter(...events: GrpoEvent[]): readonly BranchState[] {
  return [prepared, ...events].reduce(applyGrpoEvent, STARTED_DEMONSTRATION).branches;
}

function fileOf(state: BranchState | undefined): string | undefined {
  return state === undefined ? undefined : branchRecording(state, prepared, 'wasm, a processor', '2026-11-30');
}

describe('branchRecording', () => {
  it('is a file that is read back, with every measurement and its answers', () => {
    const [state] = branchesAfter(branch(0, null, 0), ...[0, 1, 2].flatMap((at) => measure(0, at)));
    const recording = parseRecording('branch', fileOf(state) ?? '');
    expect(recording.frames.map(({ answers }) => answers)).toEqual(SMALL_FRAMES.map(({ answers }) => answers));
    expect(recording).toMatchObject({ name: 'b0', seed: 7, pairs: SMALL.pairs, model: { hash: 'abcd' }, groups: [] });
  });

  it('has of a fork what came before it', () => {
    const events = [branch(0, null, 0), ...measure(0, 0), ...measure(0, 1), branch(1, { branch: 0, step: 10 }, 10), ...measure(1, 2)]; // prettier-ignore
    const fork = branchesAfter(...events)[1];
    expect(parseRecording('fork', fileOf(fork) ?? '').frames.map(({ step }) => step)).toEqual([0, 10, 20]);
  });

  it('is none where an answer is not known, or nothing was measured', () => {
    expect(fileOf(branchesAfter(branch(0, null, 0))[0])).toBeUndefined();
    expect(fileOf(branchesAfter(branch(0, null, 0), ...measure(0, 0), ...measure(0, 1, false))[0])).toBeUndefined();
  });

  it('forgets what a rewound branch repeats', () => {
    const events = [branch(0, null, 0), ...measure(0, 0), ...measure(0, 1), { kind: 'rewound', branch: 0, step: 0 } as const, ...measure(0, 1)]; // prettier-ignore
    expect(parseRecording('again', fileOf(branchesAfter(...events)[0]) ?? '').frames.map(({ step }) => step)).toEqual([
      0, 10,
    ]);
  });
});
