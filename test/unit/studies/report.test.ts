/** Reports: Markdown and HTML have the same texts, whatever they contain, and no text is read as markup of the page. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plotSvg } from '../../../src/studies/plot.ts';
import {
  heading,
  type Inline,
  list,
  paragraph,
  type ReportBlock,
  reportHtml,
  reportMarkdown,
  table,
} from '../../../src/studies/report.ts';

/** One line that includes characters with a meaning in Markdown and HTML. */
const anyText = fc
  .array(fc.constantFrom('a', 'Z', '7', ' ', '<', '>', '&', '"', '|', '*', '`', '_', 'é'), { minLength: 1 })
  .map((characters) => `x${characters.join('')}x`);
const anyInline: fc.Arbitrary<Inline> = fc.oneof(
  anyText,
  anyText.map((code) => ({ code })),
  anyText.map((term) => ({ term })),
  anyText.map((strong) => ({ strong })),
);
const anyTable = fc.integer({ min: 1, max: 4 }).chain((columns) => {
  const row = fc.array(anyText, { minLength: columns, maxLength: columns });
  return fc.tuple(row, fc.array(row, { maxLength: 4 })).map(([head, rows]) => table(head, rows));
});
const anyBlock: fc.Arbitrary<ReportBlock> = fc.oneof(
  anyText.map((text) => heading(text)),
  fc.array(anyInline, { minLength: 1 }).map((text) => paragraph(...text)),
  fc.array(fc.array(anyInline, { minLength: 1 }), { minLength: 1 }).map(list),
  anyTable,
);

function textsOf(block: ReportBlock): string[] {
  const plain = (piece: Inline): string => (typeof piece === 'string' ? piece : (Object.values(piece)[0] as string));
  switch (block.kind) {
    case 'heading':
      return [block.text];
    case 'paragraph':
      return block.text.map(plain);
    case 'list':
      return block.items.flat().map(plain);
    case 'table':
      return [...block.head, ...block.rows.flat()];
    case 'plot':
      return [block.caption];
    default:
      return block satisfies never;
  }
}

/** The text that a reader of the page sees. */
function readHtml(html: string): string {
  const body = html.slice(html.indexOf('<body>')).replaceAll(/<[^>]*>/gu, '');
  return body.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

describe('a report', () => {
  it('has every text in Markdown and in HTML, in order', () => {
    fc.assert(
      fc.property(anyText, fc.array(anyBlock, { minLength: 1, maxLength: 5 }), (title, blocks) => {
        const markdown = reportMarkdown({ title, blocks }).replaceAll('\\|', '|');
        const page = readHtml(reportHtml({ title, blocks }));
        for (const text of [markdown, page]) {
          let from = 0;
          for (const wanted of [title, ...blocks.flatMap(textsOf)]) {
            const at = text.indexOf(wanted, from);
            expect(at, wanted).toBeGreaterThanOrEqual(from);
            from = at + wanted.length;
          }
        }
      }),
    );
  });

  it('preserves the columns of a table, whatever its cells contain', () => {
    fc.assert(
      fc.property(anyTable, (block) => {
        if (block.kind !== 'table') throw new Error('no table');
        const lines = reportMarkdown({ title: 't', blocks: [block] })
          .trimEnd()
          .split('\n')
          .slice(2);
        expect(lines).toHaveLength(block.rows.length + 2);
        for (const line of lines) {
          expect(line.replaceAll('\\|', '').split('|')).toHaveLength(block.head.length + 2);
        }
      }),
    );
  });
});

describe('plotSvg', () => {
  it('draws a dot and an interval where available, with a description of each', () => {
    const dots = [
      { name: 'known <b>', value: 0.5, low: 0.25, high: 0.75 },
      { name: 'no interval', value: 1 },
      { name: 'nothing', value: null },
    ];
    const svg = plotSvg({ kind: 'dots', title: 'A plot', panels: [{ heading: 'accuracy', dots }] });
    expect(svg.match(/<circle/gu)).toHaveLength(2);
    expect(svg.match(/stroke-width="2"/gu)).toHaveLength(1);
    expect(svg).toContain('known &lt;b&gt;');
    expect(svg).toMatch(/cx="300\.0"/u); // half of 300 to the right of 150
  });
});
