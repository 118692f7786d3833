/**
 * The page: its head, its views, and the model they share. The model runs in a thread of its own, opened by whoever
 * mounts the page, so that a test can mount it on a model of its making.
 */
import { css, html, LitElement } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { BackendChoice } from '../protocol/scoring.ts';
import './lab-score-view.ts';
import './lab-site-notice.ts';
import './lab-theme-toggle.ts';
import { ModelController } from './model-controller.ts';
import { describeOffline, type OfflineState, ONLINE } from './offline-copy.ts';
import { routeOf, type RoutePath, ROUTES } from './routes.ts';
import type { ScoringClient } from './scoring-client.ts';
import { baseStyles } from './shared-styles.ts';

/**
 * @fires view-settled - what a view needs was fetched, or could not be.
 */
@customElement('lab-app')
export class LabApp extends LitElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto 1fr auto;
        max-width: 88rem;
        min-height: 100dvh;
        margin: 0 auto;
        padding: 0 clamp(var(--space-3), 3vw, var(--space-6));
      }
      header {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-5);
        align-items: center;
        padding: var(--space-4) 0;
      }
      .brand {
        display: flex;
        flex: 1;
        flex-wrap: wrap;
        gap: 0 var(--space-3);
        align-items: baseline;
        min-width: 12rem;
      }
      h1 {
        font-size: var(--text-large);
        font-weight: 700;
        letter-spacing: -0.015em;
        line-height: 1.3;
      }
      .purpose {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .tools {
        display: flex;
        gap: var(--space-2);
        align-items: center;
      }
      nav {
        display: flex;
        gap: var(--space-1);
      }
      nav a {
        padding: var(--space-1) var(--space-3);
        border-radius: var(--radius);
        color: var(--muted);
        font-size: var(--text-small);
        text-decoration: none;
      }
      nav a:hover {
        color: var(--ink);
      }
      nav a[aria-current='page'] {
        color: var(--ink);
        font-weight: 600;
        box-shadow: inset 0 -2px 0 var(--accent);
        border-radius: 0;
      }
      main {
        padding: var(--space-2) 0 var(--space-6);
      }
      footer {
        padding: var(--space-4) 0 var(--space-5);
        border-top: 1px solid var(--line);
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  /** Starts the thread that a model is loaded into. */
  @property({ attribute: false }) openClient: (() => ScoringClient) | undefined;
  /** The model's folder; relative to the page. */
  @property() modelUrl = 'models/default/';
  @property() backend: BackendChoice = 'auto';
  /** Whether the lab works without a network, and whether a newer version waits. */
  @property({ attribute: false }) offline: OfflineState = ONLINE;
  @state() private route: RoutePath = routeOf(location.hash);
  readonly #model = new ModelController(this);

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.#navigated);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#navigated);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('openClient')) void this.#load();
  }

  override render(): unknown {
    return html`<header>
        <div class="brand">
          <h1>AFRL Lab</h1>
          <p class="purpose">Relevance models that answer first and reason later</p>
        </div>
        <div class="tools">
          <nav aria-label="Views">
            ${ROUTES.map(
              ({ path, name }) =>
                html`<a href="#/${path}" aria-current=${path === this.route ? 'page' : 'false'}>${name}</a>`,
            )}
          </nav>
          <lab-theme-toggle></lab-theme-toggle>
        </div>
      </header>
      <main><lab-site-notice .offline=${this.offline}></lab-site-notice>${this.#view()}</main>
      <footer>Nothing leaves this machine. ${describeOffline(this.offline)}</footer>`;
  }

  #view(): unknown {
    switch (this.route) {
      case 'score':
        return html`<lab-score-view .model=${this.#model.state} @model-retry=${this.#load}></lab-score-view>`;
      default:
        return this.route satisfies never;
    }
  }

  async #load(): Promise<void> {
    if (this.openClient === undefined) return;
    const url = new URL(this.modelUrl, document.baseURI).href;
    await this.#model.load(this.openClient, url, this.backend);
    this.dispatchEvent(new Event('view-settled'));
  }

  readonly #navigated = (): void => {
    this.route = routeOf(location.hash);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-app': LabApp;
  }
}
