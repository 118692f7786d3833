/**
 * The work on the lab's path: `trainGrpo`, exactly as in a run, paused before each step. Its seed makes it sample the
 * completions of the work again; the number of tokens confirms that it did.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import { loadWeights } from '../../src/model/weights.ts';
import { trainGrpo } from '../../src/train/grpo.ts';
import type { GrpoStep } from '../../src/train/grpo-telemetry.ts';
import type { NamedBackend } from './backend-pair.ts';
import { gatedRun } from './gate.ts';
import type { GrpoPeer, GrpoPeerStep } from './grpo-peer.ts';
import type { GrpoWork } from './grpo-work.ts';

/** Loads a work into the lab's trainer. */
export async function openGrpoOurs(work: GrpoWork, backend: NamedBackend): Promise<GrpoPeer> {
  await tf.setBackend(backend.name);
  const model = { config: work.model, weights: loadWeights(work.model, work.weights) };
  const records: GrpoStep[] = [];
  const { task, expert } = work;
  return gatedRun(
    backend,
    model.weights,
    (gate, signal) =>
      trainGrpo(work.config, {
        model,
        task,
        expert,
        signal,
        beforeStep: () => gate.wait(),
        onStep: (record) => records.push(record),
      }),
    () => peerStep(records.at(-1), records.at(-2)),
  );
}

function peerStep(record: GrpoStep | undefined, before: GrpoStep | undefined): GrpoPeerStep {
  if (record === undefined) throw new LabError('internal', { message: 'The lab made no step.' });
  const { tokens, loss, entropy, gradient, times } = record;
  const generated = tokens.generated - (before?.tokens.generated ?? 0);
  return {
    times,
    tokens: {
      generated,
      learned: tokens.learned - (before?.tokens.learned ?? 0),
      expert: tokens.expert - (before?.tokens.expert ?? 0),
    },
    values: {
      policyLoss: loss.policy ?? NaN,
      expertLossNats: loss.expert ?? NaN,
      labelEntropyNats: entropy.labelNats,
      reasoningEntropyNats: entropy.reasoningNats,
      gradientNorm: gradient.norm ?? NaN,
    },
    agreedDraws: generated,
  };
}
