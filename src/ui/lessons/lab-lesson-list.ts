/** The lessons, one line each. */
import { css, html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { LabElement } from '../parts/lab-element.ts';
import { lessonAddress } from '../parts/routes.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import { LESSONS } from './lessons.ts';

@customElement('lab-lesson-list')
export class LabLessonList extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        max-width: 46rem;
      }
      h2 {
        margin-bottom: var(--space-3);
        font-family: var(--serif);
        font-size: clamp(1.8rem, 1.2rem + 1.7vw, 2.6rem);
        font-weight: 600;
        letter-spacing: -0.02em;
        line-height: 1.15;
      }
      p {
        max-width: 62ch;
        margin-bottom: var(--space-5);
        color: var(--muted);
      }
      ol {
        border-bottom: 1px solid var(--line);
        list-style: none;
      }
      a {
        display: grid;
        gap: 0 var(--space-4);
        padding: var(--space-3) 0;
        border-top: 1px solid var(--line);
        color: inherit;
        text-decoration: none;
      }
      a:hover {
        background: var(--field);
      }
      strong {
        font-family: var(--serif);
        font-size: var(--text-large);
        font-weight: 600;
      }
      span {
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  override render(): unknown {
    return html`<h2>Lessons</h2>
      <p>
        Each asks before it shows, and takes every number from a recorded run or a results file. P presents a lesson to
        a room; printing gives it as a handout.
      </p>
      <ol>
        ${LESSONS.map(
          ({ id, name, summary }) =>
            html`<li>
              <a href=${lessonAddress(id, 1)}><strong>${name}</strong><span>${summary}</span></a>
            </li>`,
        )}
      </ol>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson-list': LabLessonList;
  }
}
