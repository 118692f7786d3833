/**
 * A report as blocks. Markdown and HTML are rendered from the same blocks, so both state the same facts.
 */
import { escaped, type Plot, plotSvg } from './plot.ts';

/** A piece of running text; plain strings are never read as markup. */
export type Inline = string | { readonly code: string } | { readonly term: string } | { readonly strong: string };

/** A piece of a report. */
export type ReportBlock =
  | { readonly kind: 'heading'; readonly level: 2 | 3; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: readonly Inline[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Inline[])[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  /** A drawing: a separate file of this name beside Markdown, inline in HTML. */
  | { readonly kind: 'plot'; readonly file: string; readonly caption: string; readonly plot: Plot };

/** A report with its title. */
export interface Report {
  readonly title: string;
  readonly blocks: readonly ReportBlock[];
}

export function heading(text: string, level: 2 | 3 = 2): ReportBlock {
  return { kind: 'heading', level, text };
}

export function paragraph(...text: readonly Inline[]): ReportBlock {
  return { kind: 'paragraph', text };
}

export function list(items: readonly (readonly Inline[])[]): ReportBlock {
  return { kind: 'list', items };
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): ReportBlock {
  return { kind: 'table', head, rows: rows.map((row) => row.map(String)) };
}

/** A table with one row per item and the columns' values. */
export function columns<Row>(
  rows: readonly Row[],
  cells: Readonly<Record<string, (row: Row) => string | number>>,
): ReportBlock {
  return table(
    Object.keys(cells),
    rows.map((row) => Object.values(cells).map((cell) => cell(row))),
  );
}

/** The report as Markdown. */
export function reportMarkdown({ title, blocks }: Report): string {
  return `${[`# ${title}`, ...blocks.map(blockMarkdown)].join('\n\n')}\n`;
}

/** The report as a self-contained page. */
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
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}' +
  'p{white-space:pre-line}table{border-collapse:collapse}' +
  'th,td{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}' +
  'svg{max-width:100%;height:auto}';

function blockMarkdown(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${block.text}`;
    case 'paragraph':
      return inline(block.text, MARKDOWN);
    case 'list':
      return block.items.map((item) => `- ${inline(item, MARKDOWN)}`).join('\n');
    case 'table': {
      const row = (cells: readonly string[]): string =>
        `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
      return [block.head, block.head.map(() => '---'), ...block.rows].map(row).join('\n');
    }
    case 'plot':
      return `![${block.caption}](${block.file})`;
    default:
      return block satisfies never;
  }
}

function blockHtml(block: ReportBlock): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${escaped(block.text)}</h${block.level}>`;
    case 'paragraph':
      return `<p>${inline(block.text, HTML)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${inline(item, HTML)}</li>`).join('')}</ul>`;
    case 'table': {
      const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
        `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
      return `<table>${row(block.head, 'th')}${block.rows.map((cells) => row(cells, 'td')).join('')}</table>`;
    }
    case 'plot':
      return `<figure>${plotSvg(block.plot)}<figcaption>${escaped(block.caption)}</figcaption></figure>`;
    default:
      return block satisfies never;
  }
}

type Markup = Readonly<Record<'plain' | 'code' | 'term' | 'strong', (text: string) => string>>;
const MARKDOWN: Markup = {
  plain: (text) => text,
  code: (text) => `\`${text}\``,
  term: (text) => `*${text}*`,
  strong: (text) => `**${text}**`,
};
const HTML: Markup = {
  plain: escaped,
  code: (text) => `<code>${escaped(text)}</code>`,
  term: (text) => `<em>${escaped(text)}</em>`,
  strong: (text) => `<strong>${escaped(text)}</strong>`,
};

function inline(pieces: readonly Inline[], markup: Markup): string {
  const render = (piece: Inline): string => {
    if (typeof piece === 'string') return markup.plain(piece);
    if ('code' in piece) return markup.code(piece.code);
    return 'term' in piece ? markup.term(piece.term) : markup.strong(piece.strong);
  };
  return pieces.map(render).join('');
}
