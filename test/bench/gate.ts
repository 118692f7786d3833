/**
 * Holds a run of the lab before each of its steps, so that a benchmark can have one step at a time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { disposeWeights, type Weights } from '../../src/model/weights.ts';
import type { NamedBackend } from './backend-pair.ts';

/** A run of the lab that makes one step when asked. */
interface GatedRun<Step> {
  readonly name: 'ours';
  readonly device: GPUDevice | undefined;
  readonly step: () => Promise<Step>;
  readonly dispose: () => Promise<void>;
}

/**
 * Starts a run and holds it before its first step.
 *
 * @param weights - freed when it is disposed
 * @param start - begins the run, which waits at the gate before each step and ends when the signal fires
 * @param report - what is to be told of the step just made
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
      await run.catch(() => undefined); // it ends by being aborted
      disposeWeights(weights);
    },
  };
}

/** Where a run waits until it may make its next update. */
class Gate {
  #arrival = new Signal();
  #departure = new Signal();

  /** Called by the run: says that it is here, and waits. */
  async wait(): Promise<void> {
    this.#departure = new Signal();
    this.#arrival.give();
    await this.#departure.given;
  }

  /** Resolves when the run is here. */
  async reached(): Promise<void> {
    await this.#arrival.given;
  }

  /** Lets the run go on to its next arrival. */
  open(): void {
    this.#arrival = new Signal();
    this.#departure.give();
  }
}

/** A promise to be resolved from outside. */
class Signal {
  readonly given: Promise<void>;
  give: () => void = () => undefined;

  constructor() {
    this.given = new Promise((resolve) => {
      this.give = resolve;
    });
  }
}
