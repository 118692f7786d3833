/**
 * The Device view: checks and times the engine on this device, shows what was found, and offers it as the JSON file that
 * `docs/devices/` collects.
 *
 * Room `ui/device/`: this view. What is measured is in `device/`, in a worker.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import {
  type Check,
  type DevicePart,
  type DeviceReport,
  ratedFigures,
  reportFileName,
  SHORT_PARTS,
  type ShortPart,
} from '../../protocol/device-report.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { download } from '../parts/download.ts';
import { backendName } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { actionsStyles, baseStyles, buttonStyles, tableStyles } from '../parts/shared-styles.ts';
import type { OpenDevice } from './device-client.ts';
import { DeviceController } from './device-controller.ts';
import { figureText, kindText, PART_TITLES, shareText } from './device-text.ts';

/** @fires device-progress - the share of the parts that is done as `detail`; null while nothing is measured. */
@customElement('lab-device-view')
export class LabDeviceView extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    tableStyles,
    actionsStyles,
    css`
      .view,
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-4);
      }
      section {
        gap: var(--space-2);
      }
      h2 {
        font-size: var(--text-query);
        font-weight: 650;
        letter-spacing: -0.015em;
      }
      h3 {
        font-size: var(--text-body);
        font-weight: 650;
      }
      p {
        max-width: 44rem;
      }
      .muted {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dl {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: var(--space-1) var(--space-4);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
      dt {
        color: var(--muted);
      }
      table {
        max-width: 52rem;
        table-layout: fixed;
        min-width: 30rem;
      }
      th {
        width: 58%;
      }
      th,
      td {
        padding: var(--space-1) var(--space-4) var(--space-1) 0;
        font-weight: 400;
        text-align: left;
      }
      td {
        text-align: right;
        white-space: nowrap;
      }
      ul {
        padding-left: var(--space-4);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
    `,
  ];

  /** Starts the worker that measures. */
  @property({ attribute: false }) openDevice: OpenDevice | undefined;
  @property() backend: BackendChoice = 'auto';
  /** The folder of the model that answers, with a trailing slash. */
  @property() modelUrl = '';
  readonly #device = new DeviceController(this);

  override updated(): void {
    const { measuring, parts } = this.#device.state;
    const detail = measuring === undefined ? null : Object.keys(parts).length / SHORT_PARTS.length;
    this.dispatchEvent(new CustomEvent<number | null>('device-progress', { detail }));
  }

  override render(): unknown {
    const { state, report } = this.#device;
    const isMeasuring = state.measuring !== undefined;
    return html`<div class="view">
      <h2>This device</h2>
      <p>
        How right and how fast the engine computes here: every kernel against double precision, then the times. It takes
        a minute or two on most devices, and several where a GPU is emulated. Nothing is sent anywhere; the file is
        yours to keep, or to add to the collection of the lab.
      </p>
      <p class="muted">
        No hardware GPU has been measured yet: all figures of the lab come from software adapters and processors.
      </p>
      <div class="actions">
        <button class="primary" ?disabled=${isMeasuring || this.openDevice === undefined} @click=${this.#measure}>
          Measure this device
        </button>
        ${isMeasuring ? html`<button @click=${() => this.#device.stop()}>Stop</button>` : nothing}
        ${
          report === undefined || isMeasuring
            ? nothing
            : html`<button @click=${() => this.#download(report)}>Download JSON</button>`
        }
        <span role="status"
          >${
            state.measuring === undefined
              ? this.#outcome(report)
              : `Measuring: ${PART_TITLES[state.measuring].toLowerCase()} (${Object.keys(state.parts).length + 1} of ${SHORT_PARTS.length})`
          }</span
        >
      </div>
      ${report === undefined ? nothing : this.#about(report)}
      ${SHORT_PARTS.map((part) => {
        const measured = state.parts[part];
        return measured === undefined ? nothing : this.#part(part, measured, report);
      })}
    </div>`;
  }

  #outcome(report: DeviceReport | undefined): string {
    const parts = Object.values(report?.parts ?? {});
    if (parts.length === 0) return '';
    const wrong = parts.flatMap((part) => (part.state === 'done' ? part.checks : [])).filter(({ isRight }) => !isRight);
    const missing = parts.filter(({ state }) => state !== 'done').length;
    const missed = missing === 0 ? '' : ` ${missing} of ${parts.length} parts could not be measured.`;
    return `Measured. ${wrong.length === 0 ? 'No check found a wrong result.' : `${wrong.length} checks found wrong results.`}${missed}`;
  }

  #about({ device }: DeviceReport): unknown {
    const { adapter, limits, features } = device;
    const described =
      adapter === null
        ? ''
        : Object.values(adapter)
            .filter((part) => part !== '')
            .join(', ');
    return html`<section>
      <h3>The device</h3>
      <dl>
        <dt>Computes on</dt>
        <dd>${backendName(device.backend)}: ${device.name}. ${kindText(device)}</dd>
        ${
          adapter === null
            ? nothing
            : html`<dt>Adapter, driver</dt>
                <dd>${described || 'not told by this browser'}</dd>`
        }
        ${
          limits === null
            ? html`<dt>Threads</dt>
                <dd>${device.threads} of ${device.processors} processors</dd>`
            : html`<dt>Subgroups</dt>
                <dd>
                  ${features.includes('subgroups') ? `${limits.subgroupMin} to ${limits.subgroupMax} lanes` : 'none'};
                  halves ${features.includes('shader-f16') ? 'yes' : 'no'}
                </dd>`
        }
        <dt>Browser</dt>
        <dd>${device.engine}</dd>
      </dl>
    </section>`;
  }

  #part(part: ShortPart, measured: DevicePart, report: DeviceReport | undefined): unknown {
    if (measured.state !== 'done') {
      return html`<section>
        <h3>${PART_TITLES[part]}</h3>
        <p>${measured.state === 'failed' ? 'Failed: ' : ''}${measured.why}</p>
      </section>`;
    }
    const figures = report === undefined ? [] : ratedFigures(report, part);
    return html`<section>
      <h3>${PART_TITLES[part]}</h3>
      ${
        figures.length === 0
          ? nothing
          : html`<div class="table" role="region" aria-label=${PART_TITLES[part]} tabindex="0">
              <table>
                ${figures.map(
                  (figure) =>
                    html`<tr>
                      <th scope="row">${figure.name}</th>
                      <td>${figureText(figure)}</td>
                      <td class="muted">${shareText(figure)}</td>
                    </tr>`,
                )}
              </table>
            </div>`
      }
      ${measured.checks.length === 0 ? nothing : this.#checks(measured.checks)}
      ${measured.remarks.map((remark) => html`<p class="muted">${remark}</p>`)}
    </section>`;
  }

  #checks(checks: readonly Check[]): unknown {
    const wrong = checks.filter(({ isRight }) => !isRight);
    const list = (some: readonly Check[]): unknown =>
      html`<ul>
        ${some.map(({ name, detail, isRight }) => html`<li>${isRight ? '' : 'Wrong: '}${name}: ${detail}</li>`)}
      </ul>`;
    return html`<p>${checks.length - wrong.length} of ${checks.length} are right.</p>
      ${wrong.length === 0 ? nothing : list(wrong)}
      <details>
        <summary>All checks</summary>
        ${list(checks)}
      </details>`;
  }

  #measure(): void {
    if (this.openDevice !== undefined) void this.#device.measure(this.openDevice, this.backend, this.modelUrl);
  }

  #download(report: DeviceReport): void {
    const text = `${JSON.stringify(report, undefined, 2)}\n`;
    download(new Blob([text], { type: 'application/json' }), reportFileName(report));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-device-view': LabDeviceView;
  }
}
