/**
 * Pauses a run of the lab before each step, so that a benchmark can run one step at a time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { disposeWeights, type Weights } from '../../src/model/weights.ts';
import type { NamedBackend } from './backend-pair.ts';

/** A run of the lab that makes one step per call. */
interface GatedRun<Step> {
  readonly name: 'ours';
  readonly device: GPUDevice | undefined;
  readonly step: () => Promise<Step>;
  readonly dispose: () => Promise<void>;
}

/**
 * Starts a run and pauses it before its first step.
 *
 * @param weights - freed by `dispose`
 * @param start - starts the run, which waits at the gate before each step and ends when the signal fires
 * @param report - returns the record of the last step
 */
export async function gatedRun<Step>(
  { name: backend, device }: NamedBackend,
  weights: Weights,
  start: (gate: Gate, signal: AbortSignal) => Promise<void>,
  report: () => Step,
): Promise<GatedRun<Step>> {
  const controller = new AbortController();
  const gate = new Gate();
  const run = start(gate, controller.signal);
  await Promise.race([gate.reached(), run]);
  return {
    name: 'ours',
    device,
    step: async () => {
      await tf.setBackend(backend);
      gate.open();
      await Promise.race([gate.reached(), run]);
      return report();
    },
    dispose: async () => {
      await tf.setBackend(backend);
      controller.abort();
      gate.open();
      await run.catch(() => undefined); // rejects with the abort
      disposeWeights(weights);
    },
  };
}

/** A barrier before each update of a run. */
class Gate {
  #arrival = new Signal();
  #departure = new Signal();

  /** Called by the run: reports its arrival and waits. */
  async wait(): Promise<void> {
    this.#departure = new Signal();
    this.#arrival.give();
    await this.#departure.given;
  }

  /** Resolves when the run has arrived. */
  async reached(): Promise<void> {
    await this.#arrival.given;
  }

  /** Lets the run continue to its next arrival. */
  open(): void {
    this.#arrival = new Signal();
    this.#departure.give();
  }
}

/** A promise that is resolved from outside. */
class Signal {
  readonly given: Promise<void>;
  give: () => void = () => undefined;

  constructor() {
    this.given = new Promise((resolve) => {
      this.give = resolve;
    });
  }
}
