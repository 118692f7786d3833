import { css } from 'lit';

/** The looks of `lab-app`: header, navigation, views, footer. */
export const appStyles = css`
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
  h1 a {
    color: inherit;
    text-decoration: none;
  }
  nav {
    display: flex;
    flex-wrap: wrap;
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
  .share {
    font-variant-numeric: tabular-nums;
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
  footer a {
    color: inherit;
  }
  /* Paper needs no way through the page. */
  @media print {
    header,
    footer,
    lab-site-notice {
      display: none;
    }
  }
`;
