/**
 * How reliable the scores of a file are: each measure with its interval and a baseline without a model, and the
 * confusion table.
 */
import { counted } from '../../common/counted.ts';
import { describeUncounted } from '../../relevance/metrics/label-report.ts';
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import type { FileMeasured, FileMeasures, FileScoring } from '../../protocol/files.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import './lab-confidence.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';

/** A cell of the confusion table. */
export interface ConfusionCell {
  readonly grade: number;
  readonly label: number;
}

/**
 * @fires cell-choice - the {@link ConfusionCell} as `detail`, or null for none.
 * @fires below-choice - the confidence below which pairs are to be shown as `detail`.
 */
@customElement('lab-trust-strip')
export class LabTrustStrip extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-4) var(--space-6);
        align-items: start;
      }
      .measured {
        display: grid;
        flex: 1 1 30rem;
        gap: var(--space-4);
        min-width: 0;
      }
      .measures {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
        gap: var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .value {
        font-size: var(--text-query);
        font-variant-numeric: tabular-nums;
        font-weight: 650;
        letter-spacing: -0.015em;
        line-height: 1.3;
      }
      .beside,
      .notes {
        color: var(--muted);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      .notes {
        max-width: 60rem;
        list-style: none;
      }
      .notes li {
        display: inline;
      }
      .notes li:not(:last-child)::after {
        content: ' ';
        white-space: pre;
      }
      .judges {
        font-size: var(--text-small);
        list-style: none;
      }
      table {
        border-spacing: 2px;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      .counts {
        max-width: 100%;
        overflow-x: auto;
      }
      .axis {
        max-width: none;
        text-align: center;
        color: var(--ink);
        font-weight: 600;
      }
      .side {
        text-align: left;
        vertical-align: bottom;
      }
      caption {
        padding-bottom: var(--space-1);
        color: var(--muted);
        text-align: left;
      }
      th {
        max-width: 6.5rem;
        padding: 0 var(--space-2);
        overflow: hidden;
        color: var(--muted);
        font-weight: 400;
        text-align: right;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      td {
        padding: 0;
      }
      button {
        width: 100%;
        min-width: 3.2rem;
        min-height: 1.75rem;
        padding: 0 var(--space-2);
        border: 1px solid transparent;
        border-radius: 0.2rem;
        background: color-mix(in oklab, var(--tone) calc(var(--share) * 55%), var(--field));
        color: var(--ink);
        font: inherit;
        text-align: right;
        cursor: pointer;
      }
      button:hover,
      button[aria-pressed='true'] {
        border-color: var(--ink);
      }
      .right {
        --tone: var(--verified-ground);
      }
      .off {
        --tone: var(--wrong-ground);
      }
    `,
  ];

  /** Undefined until measured, null without anything to measure. */
  @property({ attribute: false }) measures: FileMeasures | null | undefined;
  @property({ attribute: false }) scoring: FileScoring | undefined;
  /** [grades, labels] */
  @property({ attribute: false }) confusion: readonly (readonly number[])[] = [];
  @property({ attribute: false }) cell: ConfusionCell | null = null;
  /** Whether pairs without a score remain. */
  @property({ type: Boolean }) unfinished = false;

  override render(): unknown {
    const { measures, scoring } = this;
    if (scoring === undefined) return nothing;
    if (measures === null && this.confusion.flat().every((count) => count === 0)) {
      return html`<p class="beside">
        Nobody has graded these pairs, so the quality of the labels is unknown. Grade some with the keys 0 to
        ${scoring.gradeNames.length - 1}, and the agreement is measured at once.
      </p>`;
    }
    return html`<div class="measured">
        ${this.#measures(measures ?? undefined)}
        ${
          measures === undefined || measures === null
            ? nothing
            : html`<ul class="notes">
                  ${notesOn(measures, scoring, this.unfinished).map((note) => html`<li>${note}</li>`)}
                </ul>
                ${
                  measures.judges.length === 0
                    ? nothing
                    : html`<ul class="judges" aria-label="Agreement of judges">
                        ${measures.judges.map((sentence) => html`<li>${sentence}</li>`)}
                      </ul>`
                }
                <lab-confidence .measures=${measures} @below-choice=${this.#belowChosen}></lab-confidence>`
        }
      </div>
      ${this.#confusion(scoring)}`;
  }

  #measures(measures: FileMeasures | undefined): unknown {
    return html`<dl class="measures" aria-label="Measures">
      ${measure('Accuracy', measures?.accuracy, 'most frequent grade', measures?.majorityAccuracy)}
      ${measure('Quadratic weighted kappa', measures?.kappa, 'most frequent grade', measures && { value: 0 })}
      ${measure('NDCG@10', measures?.ndcg10, 'BM25', measures?.bm25Ndcg10)}
      ${measure('Pair accuracy', measures?.pairAccuracy, 'BM25', measures?.bm25PairAccuracy)}
    </dl>`;
  }

  #confusion({ gradeNames }: FileScoring): unknown {
    return html`<div class="counts">
      <table>
        <caption>
          A cell shows its pairs
        </caption>
        <thead>
          <tr>
            <th class="axis side" rowspan="2">Grade</th>
            <th class="axis" colspan=${gradeNames.length}>Label</th>
          </tr>
          <tr>
            ${gradeNames.map((name) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${this.confusion.map((row, grade) => {
            const all = Math.max(
              1,
              row.reduce((sum, count) => sum + count, 0),
            );
            return html`<tr>
              <th scope="row">${gradeNames[grade]}</th>
              ${row.map((count, label) => {
                const isChosen = this.cell?.grade === grade && this.cell.label === label;
                return html`<td>
                  <button
                    class=${classMap({ right: grade === label, off: grade !== label })}
                    aria-pressed=${isChosen ? 'true' : 'false'}
                    aria-label=${`${counted(count, 'pair')} with the grade ${gradeNames[grade] ?? ''} and the label ${gradeNames[label] ?? ''}`}
                    ${cssProperties({ '--share': (count / all).toFixed(3) })}
                    @click=${() => this.#dispatch(isChosen ? null : { grade, label })}
                  >
                    ${formatCount(count)}
                  </button>
                </td>`;
              })}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }

  readonly #belowChosen = ({ detail }: CustomEvent<number>): void => {
    this.dispatchEvent(new CustomEvent<number>('below-choice', { detail }));
  };

  #dispatch(cell: ConfusionCell | null): void {
    this.dispatchEvent(new CustomEvent<ConfusionCell | null>('cell-choice', { detail: cell }));
  }
}

function measure(
  name: string,
  measured: FileMeasured | undefined,
  baseline: string,
  beside: FileMeasured | undefined,
): unknown {
  const value = measured?.value;
  return html`<div>
    <dt>${name}</dt>
    <dd class="value">${value === undefined || value === null ? '\u2013' : value.toFixed(3)}</dd>
    <dd class="beside">
      ${
        measured?.low === undefined || measured.high === undefined
          ? value === null
            ? 'nothing to measure'
            : '\u00a0'
          : `${measured.low.toFixed(3)} to ${measured.high.toFixed(3)}`
      }
    </dd>
    <dd class="beside">
      ${beside?.value === undefined || beside.value === null ? '\u00a0' : `${baseline}: ${beside.value.toFixed(3)}`}
    </dd>
  </div>`;
}

function notesOn(measures: FileMeasures, scoring: FileScoring, isUnfinished: boolean): string[] {
  const { graded, notes, accuracy } = measures;
  const intervals = accuracy.low === undefined ? '' : ', with 95 % intervals over queries';
  return [
    `Measured on ${counted(graded, 'graded pair')}${isUnfinished ? ' of those scored so far' : ''}${intervals}.`,
    ...describeUncounted(measures),
    ...notes,
    ...mappingNote(scoring),
    ...gradesNote(scoring),
  ];
}

/** Which grade each label of the model counts as, where they are on different scales. */
function mappingNote({ labelNames, gradeNames, mapping }: FileScoring): string[] {
  if (labelNames.length === gradeNames.length && mapping.every((to, from) => to === from)) return [];
  const pairs = labelNames.map((name, label) => `${name} as ${gradeNames[mapping[label] ?? -1] ?? 'none'}`);
  return [`Labels count: ${pairs.join(', ')}.`];
}

/** What the grades of the file are called here, where they have other names. */
function gradesNote({ gradeNames, gradeTexts }: FileScoring): string[] {
  const renamed = gradeNames.flatMap((name, label) => {
    const texts = (gradeTexts[label] ?? []).filter((text) => text.toLowerCase() !== name.toLowerCase());
    return texts.length === 0 ? [] : [`${texts.map((text) => `"${text}"`).join(', ')} is ${name}`];
  });
  return renamed.length === 0 ? [] : [`Grades of the file: ${renamed.join('; ')}.`];
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-trust-strip': LabTrustStrip;
  }
}
