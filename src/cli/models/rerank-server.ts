/**
 * The local server of `lab serve`. It handles requests one after another, because there is one model on one backend;
 * the number of waiting requests and the size of a request are limited.
 *
 * Web pages must not reach it through the user's browser. Requests with an `Origin` are refused, and also those whose
 * `Host` is not this machine, because an attacker's domain name may resolve to it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LabError, type LabErrorCode, messageOf } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { NestedTooDeeply, parseExactJson } from '../../data/files/json-text.ts';
import { RERANK_SCHEMAS, ScoreRequestSchema } from './rerank-request.ts';
import type { LabDocument } from '../../relevance/pair/pair.ts';
import { systemError } from '../system-errors.ts';

/** A pair of a request. */
export interface ServedPair {
  readonly query: string;
  readonly document: LabDocument;
}

/** The answer for a pair. */
export interface ServedScore {
  readonly label: number;
  readonly labelName: string;
  /** In [0, 1]. */
  readonly relevance: number;
  /** One per label. */
  readonly probabilities: readonly number[];
}

export interface ServerOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** The maximum number of waiting requests. */
  readonly maxWaiting: number;
  /** The maximum number of bytes of one request. */
  readonly maxBytes: number;
  /** The server's description of itself. */
  readonly about: object;
  /** Scores in the order of the pairs. Stops when the signal fires, with an `aborted` error. */
  readonly score: (pairs: readonly ServedPair[], signal: AbortSignal) => Promise<readonly ServedScore[]>;
}

/** A listening server. */
export interface RunningServer {
  readonly url: string;
  /** Accepts no more requests, and resolves once the present ones have been answered. */
  readonly close: () => Promise<void>;
}

const HOST = '127.0.0.1';
const OWN_NAMES: ReadonlySet<string> = new Set([HOST, 'localhost', '[::1]']);
/** A time limit, so that a client that sends slowly cannot hold a connection forever. */
const READ_MS = 30_000;
const MAX_CONNECTIONS = 64;

/** A refusal with its HTTP status. */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Listens on this machine only. @throws {LabError} `bad-config` if the port is in use */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const queue = new Queue(options.maxWaiting);
  const server = createServer({ requestTimeout: READ_MS, headersTimeout: READ_MS }, (request, response) => {
    void answer(request, response, options, queue);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    await closed;
  };
  return { url: `http://${HOST}:${port}`, close };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const failure = systemError(error, `listen on port ${port}`);
      reject(failure instanceof Error ? failure : error);
    });
    server.listen(port, HOST, resolve);
  });
}

/** Runs work one piece after another. */
class Queue {
  readonly #most: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws {Refusal} if too many are waiting */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting > this.#most) throw new Refusal(503, 'busy', `${this.#most} requests are waiting; try again.`);
    this.#waiting += 1;
    const done = this.#last.then(work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServerOptions,
  queue: Queue,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort()); // nobody will read the rest
  try {
    checkOrigin(request);
    const { pathname } = new URL(request.url ?? '/', `http://${HOST}`);
    const reply = await route(pathname, request, options, (pairs) =>
      queue.run(() => options.score(pairs, gone.signal)),
    );
    send(response, 200, reply);
  } catch (error) {
    if (gone.signal.aborted && !response.writable) return;
    const { status, code, message } = refusalOf(error);
    send(response, status, { error: { code, message } });
    request.resume(); // discards the unread rest
  }
}

type Score = (pairs: readonly ServedPair[]) => Promise<readonly ServedScore[]>;

async function route(
  pathname: string,
  request: IncomingMessage,
  { about, maxBytes }: ServerOptions,
  score: Score,
): Promise<unknown> {
  const method = request.method ?? 'GET';
  const isPost =
    pathname === '/rerank' || pathname === '/v1/rerank' || pathname === '/v2/rerank' || pathname === '/score';
  if (!isPost && pathname !== '/' && pathname !== '/health') {
    throw new Refusal(
      404,
      'not-found',
      `There is no ${pathname}; there are POST /rerank, POST /score and GET /health.`,
    );
  }
  if (method !== (isPost ? 'POST' : 'GET')) {
    throw new Refusal(405, 'bad-method', `${pathname} takes ${isPost ? 'POST' : 'GET'}, not ${method}.`);
  }
  if (!isPost) return about;
  const body = await readBody(request, maxBytes);
  return pathname === '/score' ? scorePairs(body, score) : rerank(body, score);
}

async function scorePairs(body: unknown, score: Score): Promise<object> {
  const { pairs } = parseConfig('The request', ScoreRequestSchema, body);
  return { scores: await score(pairs) };
}

async function rerank(body: unknown, score: Score): Promise<unknown> {
  const isTexts = typeof body === 'object' && body !== null && 'texts' in body;
  if (isTexts) {
    const { query, texts, return_text: withText } = parseConfig('The request', RERANK_SCHEMAS.texts, body);
    const ranked = rank(await score(texts.map((document) => ({ query, document }))));
    return ranked.map(({ index, relevance }) => {
      return { index, score: relevance, ...(withText ? { text: given(body, 'texts', index) } : {}) };
    });
  }
  const request = parseConfig('The request', RERANK_SCHEMAS.documents, body);
  const { query, documents, top_n: most, return_documents: withDocuments } = request;
  const ranked = rank(await score(documents.map((document) => ({ query, document }))));
  const results = ranked.slice(0, most ?? undefined).map(({ index, relevance, label, labelName }) => {
    const document = given(body, 'documents', index);
    return {
      index,
      relevance_score: relevance,
      label,
      label_name: labelName,
      ...(withDocuments ? { document: typeof document === 'string' ? { text: document } : document } : {}),
    };
  });
  return { results };
}

/** The most relevant first; ties keep their order. */
function rank(scores: readonly ServedScore[]): (ServedScore & { readonly index: number })[] {
  return scores.map((score, index) => ({ ...score, index })).toSorted((a, b) => b.relevance - a.relevance);
}

/** A document as in the request. */
function given(body: unknown, key: string, index: number): unknown {
  return (body as Readonly<Record<string, readonly unknown[]>>)[key]?.[index];
}

function checkOrigin({ headers: { host = '', origin } }: IncomingMessage): void {
  if (origin !== undefined) {
    throw new Refusal(403, 'foreign-origin', 'Only programs of this machine are answered, not pages in a browser.');
  }
  if (!OWN_NAMES.has(host.replace(/:\d+$/u, ''))) {
    throw new Refusal(403, 'foreign-host', `The Host must be ${HOST} or localhost.`);
  }
}

/** The JSON of a request. @throws {Refusal} */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/iu.test(type)) {
    throw new Refusal(415, 'bad-type', 'The Content-Type must be application/json.');
  }
  const tooLarge = new Refusal(413, 'too-large', `A request may have ${maxBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  try {
    return parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    const why = error instanceof NestedTooDeeply ? error.message : 'it is not JSON in UTF-8';
    throw new Refusal(400, 'bad-json', `The request cannot be read: ${why}.`);
  }
}

const BAD_REQUEST: ReadonlySet<LabErrorCode> = new Set(['bad-config', 'bad-shape', 'bad-file']);

function refusalOf(error: unknown): Pick<Refusal, 'status' | 'code' | 'message'> {
  if (error instanceof Refusal) return error;
  if (!(error instanceof LabError)) return { status: 500, code: 'internal', message: messageOf(error) };
  return { status: BAD_REQUEST.has(error.code) ? 400 : 500, code: error.code, message: error.message };
}

function send(response: ServerResponse, status: number, reply: unknown): void {
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' };
  response.writeHead(status, { ...headers, ...(status === 503 ? { 'Retry-After': '1' } : {}) });
  response.end(JSON.stringify(reply));
}
