/**
 * A plain static host: a folder under some path, gzip for text, an ETag per file, and no helpful headers unless the
 * test asks for them. It counts every byte sent.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';
import { serves } from '../setup/request-record.ts';

/** The folder that the tests' set-up builds the page into. */
export const BUILT_PAGE = '.cache/e2e-page';

/** The headers of a host whose pages may share memory between threads. */
export const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** How the folder is served. */
export interface HostOptions {
  /** The path above the folder, with slashes at both ends. Default "/". */
  readonly under?: string;
  /** Headers of every answer. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StaticHost {
  /** The address of the folder, with a trailing slash. */
  readonly url: string;
  /** Requested paths with the status of the answer, in order: "200 index.html". */
  readonly answers: readonly string[];
  /** Everything sent so far, headers included. */
  sentBytes(): number;
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};
/** The types that hosts usually compress; WebAssembly and weights often are not among them. */
const COMPRESSED = new Set(['.css', '.html', '.js', '.json', '.svg', '.webmanifest']);

/** Serves a folder on a free port of this machine. */
export async function serveFolder(
  folder: string,
  { under = '/', headers = {} }: HostOptions = {},
): Promise<StaticHost> {
  const answers: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void answer(folder, under, headers, request, response).then((said) => answers.push(said));
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  serves(`http://127.0.0.1:${port}`);
  return {
    url: `http://127.0.0.1:${port}${under}`,
    answers,
    sentBytes: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers one request; returns a line about it. */
async function answer(
  folder: string,
  under: string,
  headers: Readonly<Record<string, string>>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string> {
  const { pathname } = new URL(request.url ?? '/', 'http://host');
  const path = pathname.startsWith(under) ? normalize(pathname.slice(under.length) || 'index.html') : '..';
  const body = path.startsWith('..') ? undefined : await readFile(join(folder, path)).catch(() => undefined);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === undefined) {
    response.writeHead(404).end();
    return `404 ${pathname}`;
  }
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
  response.setHeader('ETag', etag);
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return `304 ${path}`;
  }
  const extension = extname(path);
  const isCompressed = COMPRESSED.has(extension);
  response.setHeader('Content-Type', TYPES[extension] ?? 'application/octet-stream');
  if (isCompressed) response.setHeader('Content-Encoding', 'gzip');
  response.writeHead(200).end(isCompressed ? gzipSync(body) : body);
  return `200 ${path}`;
}
