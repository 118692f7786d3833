/**
 * Reads XML as a stream of events, without a tree: a sheet can be far larger than what is kept of it. Document types
 * are refused, because workbooks have none and entities are a way to expand without bound.
 */
import { SaxesParser } from 'saxes';
import { badFile, showValue } from '../files/records.ts';

/** The longest text, name or comment. The parser keeps it until it ends. */
const MAX_PIECE = 2 ** 21;
/** Elements inside each other; parts of workbooks have about ten. */
const MAX_DEPTH = 64;

/** Called with names without their namespaces. */
export interface XmlHandlers {
  readonly open: (name: string, attributes: Readonly<Record<string, string>>) => void;
  readonly close: (name: string) => void;
  readonly text: (text: string) => void;
}

/**
 * Reads a part of a file; after each yield, the handlers have seen another piece.
 *
 * @throws {LabError} `bad-file` if it is not XML
 */
export async function* readXml(
  source: AsyncIterable<Uint8Array>,
  { open, close, text }: XmlHandlers,
  fileName: string,
): AsyncGenerator<void> {
  const parser = new SaxesParser();
  let depth = 0;
  let unended = 0;
  const refuse = (got: string): never => {
    throw badFile(fileName, {
      problem: 'a part of it cannot be read',
      expected: 'XML as spreadsheet programs write it',
      got,
      fix: 'Open it in a spreadsheet program and save it again, or save the sheet as CSV UTF-8.',
    });
  };
  parser.on('error', ({ message }) => refuse(showValue(message)));
  parser.on('doctype', () => refuse('a document type'));
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1;
    if (depth > MAX_DEPTH) refuse(`more than ${MAX_DEPTH} elements in each other`);
    unended = 0;
    open(bare(name), attributes);
  });
  parser.on('closetag', ({ name }) => {
    depth -= 1;
    unended = 0;
    close(bare(name));
  });
  parser.on('text', text);
  parser.on('cdata', text);
  let decoder: TextDecoder | undefined;
  for await (const chunk of source) {
    decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
    const piece = decode(decoder, chunk, refuse);
    unended += piece.length;
    if (unended > MAX_PIECE + piece.length) refuse(`more than ${MAX_PIECE} characters without an element`);
    parser.write(piece);
    yield;
  }
  parser.write(decode(decoder ?? new TextDecoder(), undefined, refuse));
  parser.close();
  yield;
}

/** Reads a part of a file to its end. @throws {LabError} as {@link readXml} */
export async function readXmlWhole(
  source: AsyncIterable<Uint8Array>,
  handlers: XmlHandlers,
  fileName: string,
): Promise<void> {
  for await (const _ of readXml(source, handlers, fileName));
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, refuse: (got: string) => never): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    return refuse(`bytes that are not ${decoder.encoding.toUpperCase()}`);
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

function bare(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
