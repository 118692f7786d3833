/**
 * The work on the lab's own path: `trainGrpo`, exactly as a run uses it, held before each step until one is wanted. That it
 * samples the completions of the work again follows from its seed; that it did is seen in the number of its tokens.
 */
import * as tf from '@tensorflow/tfjs';
import { LabError } from '../../src/common/errors.ts';
import { disposeWeights, loadWeights } from '../../src/model/weights.ts';
import { trainGrpo } from '../../src/train/grpo.ts';
import type { GrpoStep } from '../../src/train/grpo-telemetry.ts';
import type { NamedBackend } from './backends.ts';
import { Gate } from './gate.ts';
import type { GrpoPeer, GrpoPeerStep } from './grpo-peer.ts';
import type { GrpoWork } from './grpo-work.ts';

/** Loads a work into the lab's trainer. */
export async function openGrpoOurs(work: GrpoWork, { name: backend, device }: NamedBackend): Promise<GrpoPeer> {
  await tf.setBackend(backend);
  const model = { config: work.model, weights: loadWeights(work.model, work.weights) };
  const controller = new AbortController();
  const gate = new Gate();
  const records: GrpoStep[] = [];
  const { task, expert } = work;
  const run = trainGrpo(work.config, {
    model,
    task,
    expert,
    signal: controller.signal,
    beforeStep: () => gate.wait(),
    onStep: (record) => records.push(record),
  });
  await Promise.race([gate.reached(), run]);
  return {
    name: 'ours',
    device,
    step: async () => {
      await tf.setBackend(backend);
      gate.open();
      await Promise.race([gate.reached(), run]);
      return peerStep(records.at(-1), records.at(-2));
    },
    dispose: async () => {
      await tf.setBackend(backend);
      controller.abort();
      gate.open();
      await run.catch(() => undefined); // it ends by being aborted
      disposeWeights(model.weights);
    },
  };
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
