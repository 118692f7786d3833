/**
 * The steering of a run: commands come at any time, and take effect between two updates, where the run passes a gate.
 */
import type { TrainingCommand } from '../protocol/training.ts';

/** What the gate does with the run that stands at it. */
export interface GateActions {
  readonly evaluate: () => Promise<void>;
  /** @param isAutomatic - false if a person asked for it */
  readonly save: (isAutomatic: boolean) => Promise<void>;
  readonly onPaused: () => void;
  readonly onResumed: () => void;
}

/** What was asked of a run and not yet done. */
export class RunControl {
  /** Whether somebody looks at the page. */
  isVisible = true;
  readonly #stop = new AbortController();
  readonly #end = new AbortController();
  #isPaused = false;
  #stepsAllowed = 0;
  #isSingleStep = false;
  #isEvaluationWanted = false;
  #isSaveWanted = false;
  #wake: () => void = () => undefined;

  /** Fires as soon as a stop is asked for: what leads to no update need not come to its end. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Fires when the run has been saved and is to end. */
  get endSignal(): AbortSignal {
    return this.#end.signal;
  }

  /** Whether the update under way was asked for by itself. */
  get isSingleStep(): boolean {
    return this.#isSingleStep;
  }

  /** Takes a command. */
  apply(command: TrainingCommand): void {
    switch (command.kind) {
      case 'pause':
        this.#isPaused = true;
        break;
      case 'resume':
        this.#isPaused = false;
        break;
      case 'step':
        this.#isPaused = true;
        this.#stepsAllowed += 1;
        break;
      case 'stop':
        this.#stop.abort();
        break;
      case 'evaluate':
        this.#isEvaluationWanted = true;
        break;
      case 'save':
        this.#isSaveWanted = true;
        break;
      case 'visibility':
        this.isVisible = command.isVisible;
        break;
      default:
        command satisfies never;
    }
    this.#wake();
  }

  /** Resolves when the run may make its next update, or has been saved to end here ({@link endSignal}). */
  async passGate({ evaluate, save, onPaused, onResumed }: GateActions): Promise<void> {
    this.#isSingleStep = false;
    let isWaiting = false;
    for (;;) {
      if (this.#stop.signal.aborted) {
        await save(true);
        this.#end.abort();
        return;
      }
      if (this.#isEvaluationWanted) {
        this.#isEvaluationWanted = false;
        await evaluate();
      } else if (this.#isSaveWanted) {
        this.#isSaveWanted = false;
        await save(false);
      } else if (!this.#isPaused) {
        if (isWaiting) onResumed();
        return;
      } else if (this.#stepsAllowed > 0) {
        this.#stepsAllowed -= 1;
        this.#isSingleStep = true;
        return;
      } else {
        if (!isWaiting) onPaused();
        isWaiting = true;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
