/**
 * A report as blocks, printed as Markdown and as a page of HTML: both say the same because they are made from the same.
 */

/** A piece of a report. Texts are plain. */
export type ReportBlock =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  /** A drawing, in a file beside the report. */
  | { readonly kind: 'figure'; readonly file: string; readonly caption: string; readonly svg: string };

/** A report with its title. */
export interface Report {
  readonly title: string;
  readonly blocks: readonly ReportBlock[];
}

/** As Markdown; figures are named. */
export function reportMarkdown({ title, blocks }: Report): string {
  return `${[`# ${title}`, ...blocks.map(blockMarkdown)].join('\n\n')}\n`;
}

/** As a page that needs no other file. */
export function reportHtml({ title, blocks }: Report): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><title>${escaped(title)}</title>`,
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head>`,
    `<body><h1>${escaped(title)}</h1>`,
    ...blocks.map(blockHtml),
    '</body></html>\n',
  ].join('\n');
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}table{border-collapse:collapse}' +
  'th,td{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}' +
  'svg{max-width:100%;height:auto}';

function blockMarkdown(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading':
      return `## ${block.text}`;
    case 'text':
      return block.text;
    case 'table':
      return [block.head, block.head.map(() => '---'), ...block.rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
    case 'figure':
      return `![${block.caption}](${block.file})`;
    default:
      return block satisfies never;
  }
}

function blockHtml(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escaped(block.text)}</h2>`;
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'table': {
      const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
        `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
      return `<table>${row(block.head, 'th')}${block.rows.map((cells) => row(cells, 'td')).join('')}</table>`;
    }
    case 'figure':
      return `<figure>${block.svg}<figcaption>${escaped(block.caption)}</figcaption></figure>`;
    default:
      return block satisfies never;
  }
}

/** Text for HTML and SVG. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
