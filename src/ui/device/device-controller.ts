/** The measurement of this device: one part after the other, each in a worker of its own, and the report they make. */
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { LAB_VERSION } from '../../common/version.ts';
import {
  type Device,
  type DevicePart,
  type DeviceReport,
  SHORT_PARTS,
  type ShortPart,
} from '../../protocol/device-report.ts';
import { failureOf } from '../../protocol/failure.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { DeviceClient, OpenDevice } from './device-client.ts';

/** What the view shows. */
export interface DeviceState {
  /** The part that is being measured. */
  readonly measuring: ShortPart | undefined;
  readonly parts: Readonly<Partial<Record<ShortPart, DevicePart>>>;
  readonly device: Device | undefined;
  readonly startedAt: string;
}

const BEFORE: DeviceState = { measuring: undefined, parts: {}, device: undefined, startedAt: '' };

export class DeviceController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #state = BEFORE;
  #client: DeviceClient | undefined;
  /** Changes when a measurement begins or is stopped. */
  #turn = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.stop();
  }

  get state(): DeviceState {
    return this.#state;
  }

  /** The report, once some part has told what the device is. */
  get report(): DeviceReport | undefined {
    const { device, parts, startedAt } = this.#state;
    if (device === undefined) return undefined;
    const lab = { version: LAB_VERSION, commit: LAB_COMMIT };
    return { schemaVersion: 1, form: 'short', startedAt, lab, device, parts };
  }

  /** Measures all parts again; resolves when they are done, or were stopped. */
  async measure(open: OpenDevice, backend: BackendChoice, modelUrl: string): Promise<void> {
    this.stop();
    const turn = ++this.#turn;
    this.#set({ ...BEFORE, startedAt: new Date().toISOString() });
    for (const part of SHORT_PARTS) {
      this.#set({ measuring: part });
      let found: DevicePart;
      try {
        const client = await open();
        if (turn !== this.#turn) {
          client.close();
          return;
        }
        this.#client = client;
        const { device, findings, seconds } = await client.measure({ part, backend, modelUrl });
        this.#set({ device });
        found = { state: 'done', seconds, ...findings };
      } catch (thrown) {
        found = { state: 'failed', why: failureOf(thrown).message.slice(0, 2000) };
      }
      if (turn !== this.#turn) return;
      this.#client?.close();
      this.#client = undefined;
      this.#set({ parts: { ...this.#state.parts, [part]: found } });
    }
    this.#set({ measuring: undefined });
  }

  /** Stops, and names what was not measured. */
  stop(): void {
    this.#turn += 1;
    this.#client?.close();
    this.#client = undefined;
    if (this.#state.measuring === undefined) return;
    const missing = SHORT_PARTS.filter((part) => this.#state.parts[part] === undefined);
    const stopped = missing.map((part) => [part, { state: 'not run', why: 'The measurement was stopped.' }] as const);
    this.#set({ measuring: undefined, parts: { ...this.#state.parts, ...Object.fromEntries(stopped) } });
  }

  #set(change: Partial<DeviceState>): void {
    this.#state = { ...this.#state, ...change };
    this.#host.requestUpdate();
  }
}
