/** How fast pairs of a file are scored, without the time in which the machine slept. */
import { WorkTime } from '../../common/work-time.ts';

export class ScoringPace {
  #time = new WorkTime(() => performance.now());
  #pairs = 0;

  begin(): void {
    this.#time = new WorkTime(() => performance.now());
    this.#pairs = 0;
    this.#time.go();
  }

  /** A batch has been scored. */
  add(pairs: number): void {
    this.#pairs += pairs;
    this.#time.halt();
    this.#time.go();
  }

  /** Undefined before the first batch. */
  get msPerPair(): number | undefined {
    return this.#pairs === 0 ? undefined : this.#time.total() / this.#pairs;
  }
}
