/**
 * A record of the page frame by frame, which is the only way to distinguish "the label came first" from "the label and
 * the reasoning came together".
 */
import type { Page } from 'playwright-core';

/** What one painted frame showed. */
export interface Frame {
  readonly asked: boolean;
  readonly label: boolean;
  readonly reasoning: boolean;
}

/** Records from the next question on what each painted frame shows. */
export async function recordFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const view = document.querySelector('lab-app')?.shadowRoot?.querySelector('lab-score-view')?.shadowRoot;
    if (view === null || view === undefined) throw new Error('The scoring view is not there.');
    const frames: Frame[] = [];
    Object.assign(globalThis, { frames });
    let asked = false;
    const look = (): void => {
      const answer = view.querySelector('lab-answer')?.shadowRoot;
      const trace = view.querySelector('lab-trace')?.shadowRoot;
      // The previous answer is shown dimmed until the new label arrives.
      asked ||= answer?.querySelector('.stale') instanceof Element;
      frames.push({
        asked,
        label: answer?.querySelector('.fresh .label') instanceof Element,
        reasoning: trace?.querySelector('lab-step, .tokens, .summary') instanceof Element,
      });
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** The frames so far. */
export function recordedFrames(page: Page): Promise<Frame[]> {
  return page.evaluate(() => (globalThis as unknown as { frames: Frame[] }).frames);
}
