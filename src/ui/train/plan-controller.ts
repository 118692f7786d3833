/**
 * What a run would take, asked anew whenever its settings have changed and then rested for a moment. While an answer is
 * on its way the last one stays, so that the page does not flicker.
 */
import { initialState, Task, TaskStatus } from '@lit/task';
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { SftExperiment } from '../../protocol/sft-experiment.ts';
import type { TrainingPlan } from '../../protocol/training.ts';
import type { OpenTraining } from '../parts/training-client.ts';

/** A pause in typing this long asks for a plan. */
const SETTINGS_REST_MS = 300;

export interface PlanState {
  /** The last answer; undefined before the first, and where the last question failed. */
  readonly plan: TrainingPlan | undefined;
  readonly failure: Failure | undefined;
  /** Whether a newer answer is on its way. */
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

  /** Asks at once, or when the settings have rested if they were asked about a moment ago. */
  ask(open: OpenTraining, experiment: SftExperiment, backend: BackendChoice): void {
    void this.#task.run([open, experiment, backend]);
  }

  /** Lets go of a question that is no longer wanted. */
  drop(): void {
    this.#task.abort();
  }
}
