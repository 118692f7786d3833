import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const UI = new URL('../../../../src/ui/', import.meta.url).pathname;
/** The elements that show a failure cannot show their own. */
const OF_THE_NOTICE = new Set(['parts/lab-notice.ts', 'parts/lab-part-failure.ts']);

describe('the elements of the page', () => {
  it('all report in place what they cannot draw', () => {
    const elements = readdirSync(UI, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !OF_THE_NOTICE.has(path))
      .map((path) => ({ path, text: readFileSync(join(UI, path), 'utf8') }))
      .filter(({ text }) => text.includes('@customElement('));
    expect(elements.length).toBeGreaterThan(20);
    expect(elements.filter(({ text }) => !text.includes('extends LabElement')).map(({ path }) => path)).toEqual([]);
  });
});
