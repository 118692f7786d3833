/**
 * Switches between the light and the dark theme. By default the page follows the system; a choice is stored.
 */
import { css, html, svg } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { LabElement } from './parts/lab-element.ts';
import { baseStyles, buttonStyles } from './parts/shared-styles.ts';

type Theme = 'light' | 'dark';

const STORAGE_KEY = 'afrl-lab.theme';
const ICONS: Readonly<Record<Theme, unknown>> = {
  light: svg`<circle cx="8" cy="8" r="3" /><path d="M8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1" />`,
  dark: svg`<path d="M13.4 9.8A5.8 5.8 0 0 1 6.2 2.6a5.8 5.8 0 1 0 7.2 7.2z" />`,
};

@customElement('lab-theme-toggle')
export class LabThemeToggle extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      button {
        display: grid;
        place-items: center;
        width: 2.25rem;
        padding: 0;
        border-color: transparent;
      }
      svg {
        width: 1.15rem;
        height: 1.15rem;
        fill: none;
        stroke: currentColor;
        stroke-linecap: round;
        stroke-linejoin: round;
        stroke-width: 1.4;
      }
    `,
  ];

  @state() private theme: Theme = rememberedTheme() ?? systemTheme();

  override connectedCallback(): void {
    super.connectedCallback();
    const remembered = rememberedTheme();
    if (remembered !== undefined) document.documentElement.dataset['theme'] = remembered;
  }

  override render(): unknown {
    const other: Theme = this.theme === 'light' ? 'dark' : 'light';
    return html`<button
      aria-label="Switch to the ${other} theme"
      title="Switch to the ${other} theme"
      @click=${() => this.#choose(other)}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[other]}</svg>
    </button>`;
  }

  #choose(theme: Theme): void {
    this.theme = theme;
    document.documentElement.dataset['theme'] = theme;
    // Storage can be full or forbidden; the choice then lasts until the page is closed.
    try {
      localStorage.setItem(STORAGE_KEY, theme);
    } catch {
      return;
    }
  }
}

function rememberedTheme(): Theme | undefined {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    return stored === 'light' || stored === 'dark' ? stored : undefined;
  } catch {
    return undefined;
  }
}

function systemTheme(): Theme {
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-theme-toggle': LabThemeToggle;
  }
}
