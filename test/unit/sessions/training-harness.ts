/**
 * Runs of the session service in this process, with a world and a schedule small enough for a test.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import '@tensorflow/tfjs'; // the gradients of tfjs's own ops
import type { GetModel } from '../../../src/sessions/model-source.ts';
import { SessionService } from '../../../src/sessions/session-service.ts';
import type { TrainingEvent, TrainingEventOf, TrainRequest } from '../../../src/protocol/training.ts';
import { MemoryStore } from './memory-store.ts';

const WASM_FILE = createRequire(import.meta.url).resolve(
  '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
);
export const WASM_PATHS = `${dirname(WASM_FILE)}/`;

/** Eight updates of lab-nano on a few dozen pairs. */
export function tinyExperiment(sft: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'tiny',
    preset: 'lab-nano',
    world: { trainQueries: 8, devQueries: 2, testQueries: 1 },
    devPairs: 2,
    sft: { steps: 8, batchSize: 4, warmupSteps: 2, logEvery: 4, evaluateEvery: 100, checkpointEvery: 4, ...sft },
  };
}

/** A service with a store in memory, and the events of its runs. */
export class TrainingHarness {
  readonly store: MemoryStore;
  readonly service: SessionService;
  readonly events: TrainingEvent[] = [];
  readonly #watchers: ((event: TrainingEvent) => void)[] = [];

  /** @param getModel - loads the files of teachers */
  constructor(store = new MemoryStore(), getModel?: GetModel) {
    this.store = store;
    const openStore = (): Promise<MemoryStore> => Promise.resolve(store);
    this.service = new SessionService({ wasmPaths: WASM_PATHS, openStore, ...(getModel && { getModel }) });
  }

  /** Trains and resolves with the last event. */
  async train(request: TrainRequest): Promise<TrainingEvent> {
    await this.service.run(request, (event) => {
      this.events.push(structuredClone(event));
      for (const watch of this.#watchers) watch(event);
    });
    const last = this.events.at(-1);
    if (last === undefined) throw new Error('TrainingHarness: the run sent no event');
    return last;
  }

  /** Calls `watch` with every event, as it comes. */
  onEvent(watch: (event: TrainingEvent) => void): void {
    this.#watchers.push(watch);
  }

  /** Resolves with the next event of a kind. */
  next<Kind extends TrainingEvent['kind']>(kind: Kind): Promise<TrainingEventOf<Kind>> {
    return new Promise((resolve) => {
      this.onEvent((event) => {
        if (event.kind === kind) resolve(event as TrainingEventOf<Kind>);
      });
    });
  }

  /** All events of a kind so far. */
  of<Kind extends TrainingEvent['kind']>(kind: Kind): TrainingEventOf<Kind>[] {
    return this.events.filter((event): event is TrainingEventOf<Kind> => event.kind === kind);
  }
}
