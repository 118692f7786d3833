/**
 * Demonstrations of the session service in this process, on a model and a world small enough for a test.
 */
import { SessionService } from '../../../src/sessions/session-service.ts';
import type { RunStore } from '../../../src/sessions/run-store.ts';
import { LabError } from '../../../src/common/errors.ts';
import type { GrpoApi, GrpoCommand, GrpoEvent, GrpoEventOf, GrpoRequest } from '../../../src/protocol/grpo.ts';
import { WASM_PATHS } from './training-harness.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

export const MODEL_URL = 'http://localhost/models/small/';
const FILES = smallModelFiles();

/** Settings of a branch of four short steps. */
export function tinyBranch(grpo: Record<string, unknown> = {}, more: Record<string, unknown> = {}): unknown {
  return {
    world: { trainQueries: 12, devQueries: 4, testQueries: 1 },
    queries: 6,
    probePrompts: 2,
    probeSamples: 2,
    devPairs: 4,
    ...more,
    grpo: {
      steps: 4,
      prompts: 2,
      samples: 2,
      maxTokens: 8,
      expertBatch: 4,
      sequencesPerPass: 8,
      learningRate: 1e-3,
      evaluateEvery: 2,
      checkpointEvery: 2,
      keepEvery: 2,
      balance: { kind: 'additive', lambda: 0.3 },
      ...grpo,
    },
  };
}

/** A service, and the events of its demonstrations. */
export class GrpoHarness {
  readonly service: GrpoApi;
  events: GrpoEvent[] = [];
  #watchers: ((event: GrpoEvent) => void)[] = [];

  /**
   * @param store - where branches are kept; by default nowhere
   * @param now - the clock, in milliseconds
   */
  constructor(store?: RunStore, now = () => performance.now()) {
    this.service = new SessionService({
      ...(store === undefined ? {} : { openStore: () => Promise.resolve(store) }),
      now,
      wasmPaths: WASM_PATHS,
      getModel: (url) =>
        url === MODEL_URL
          ? Promise.resolve(FILES)
          : Promise.reject(new LabError('not-found', { message: `Nothing is at ${url}.` })),
    }).demonstrations;
  }

  /** Starts a demonstration; resolves with its last event. */
  run(branches: Record<string, unknown>, request: Partial<GrpoRequest> = {}): Promise<GrpoEvent> {
    const named = Object.entries(branches).map(([name, experiment]) => ({ name, experiment }));
    return this.ask({ branches: named, ...request });
  }

  /** Starts a request, on the small model. */
  async ask(request: Pick<GrpoRequest, 'branches'> & Partial<GrpoRequest>): Promise<GrpoEvent> {
    this.events = [];
    await this.service.run({ modelUrl: MODEL_URL, backend: 'wasm', ...request }, (event) => {
      this.events.push(structuredClone(event));
      for (const watch of this.#watchers) watch(event);
    });
    const last = this.events.at(-1);
    if (last === undefined) throw new Error('GrpoHarness: nothing was told');
    return last;
  }

  /** Runs branches to their ends and stops. */
  async runToEnd(branches: Record<string, unknown>, request: Partial<GrpoRequest> = {}): Promise<void> {
    const over = this.run(branches, request);
    await this.next('finished');
    await this.command({ kind: 'stop' });
    await over;
  }

  command(command: GrpoCommand): Promise<void> {
    return this.service.command(command);
  }

  /** Calls `watch` with every event, as it comes. */
  onEvent(watch: (event: GrpoEvent) => void): void {
    this.#watchers.push(watch);
  }

  /** Resolves with the next matching event of a kind. */
  next<Kind extends GrpoEvent['kind']>(
    kind: Kind,
    fits: (event: GrpoEventOf<Kind>) => boolean = () => true,
  ): Promise<GrpoEventOf<Kind>> {
    return new Promise((resolve) => {
      const watch = (event: GrpoEvent): void => {
        if (event.kind !== kind || !fits(event as GrpoEventOf<Kind>)) return;
        this.#watchers = this.#watchers.filter((each) => each !== watch);
        resolve(event as GrpoEventOf<Kind>);
      };
      this.#watchers.push(watch);
    });
  }

  /** All events of a kind so far. */
  of<Kind extends GrpoEvent['kind']>(kind: Kind): GrpoEventOf<Kind>[] {
    return this.events.filter((event): event is GrpoEventOf<Kind> => event.kind === kind);
  }

  /** The hash of a branch's weights at its end. */
  hashOf(branch: number): string | null | undefined {
    return this.of('branch-ended').find((event) => event.branch === branch)?.weightsHash;
  }
}
