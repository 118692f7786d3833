/**
 * What a run would take, asked anew whenever its settings have changed and then rested for a moment. While an answer is
 * on its way the last one stays, so that the page does not flicker.
 */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
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

export class PlanController implements ReactiveController {
  state: PlanState = { plan: undefined, failure: undefined, isStale: true };
  readonly #host: ReactiveControllerHost;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #question = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.drop();
  }

  /** Asks at once, or when the settings have rested if they were asked about a moment ago. */
  ask(open: OpenTraining, experiment: SftExperiment, backend: BackendChoice): void {
    this.drop();
    const isFirst = this.state.plan === undefined;
    this.#show({ ...this.state, isStale: true });
    this.#rest = setTimeout(() => void this.#askNow(open, experiment, backend), isFirst ? 0 : SETTINGS_REST_MS);
  }

  /** Lets go of a question that is no longer wanted. */
  drop(): void {
    clearTimeout(this.#rest);
    this.#question += 1;
  }

  async #askNow(open: OpenTraining, experiment: SftExperiment, backend: BackendChoice): Promise<void> {
    const question = this.#question;
    try {
      const plan = await (await open()).plan({ experiment, backend });
      if (question === this.#question) this.#show({ plan, failure: undefined, isStale: false });
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (question === this.#question) this.#show({ plan: undefined, failure, isStale: false });
    }
  }

  #show(state: PlanState): void {
    this.state = state;
    this.#host.requestUpdate();
  }
}
