/**
 * The plan of a run, requested again whenever its settings have changed and then rested for a moment. The last plan
 * stays until the next one arrives, so that the page does not flicker.
 */
import { initialState, Task, TaskStatus } from '@lit/task';
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import type { TrainingPlan } from '../../protocol/training.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';

/** A pause in typing of this length requests a plan. */
const SETTINGS_REST_MS = 300;

export interface PlanState {
  /** The last plan; undefined before the first, and after a failure. */
  readonly plan: TrainingPlan | undefined;
  readonly failure: Failure | undefined;
  /** Whether a newer plan has been requested. */
  readonly isStale: boolean;
}

export class PlanController {
  readonly #task: Task<readonly [OpenTraining, SftExperiment, BackendChoice], TrainingPlan>;

  constructor(host: ReactiveControllerHost) {
    this.#task = new Task(host, {
      autoRun: false,
      task: async ([open, experiment, backend], { signal }) => {
        const restMs = this.#task.value === undefined ? 0 : SETTINGS_REST_MS;
        await new Promise((resolve) => setTimeout(resolve, restMs));
        return signal.aborted ? initialState : (await open()).plan({ experiment, backend });
      },
    });
  }

  get state(): PlanState {
    const { status, value, error } = this.#task;
    const failure = status === TaskStatus.ERROR ? failureOf(error) : undefined;
    return { plan: value, failure, isStale: status !== TaskStatus.COMPLETE && failure === undefined };
  }

  /** Requests a plan at once, or once the settings have rested if they changed a moment ago. */
  ask(open: OpenTraining, experiment: SftExperiment, backend: BackendChoice): void {
    void this.#task.run([open, experiment, backend]);
  }

  /** Drops a request that is no longer wanted. */
  drop(): void {
    this.#task.abort();
  }
}
