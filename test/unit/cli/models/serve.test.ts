/** `lab serve` as other programs meet it: the shapes of replies, refusals, and how it ends. */
import { request } from 'node:http';
import process from 'node:process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, type ServedPair, startServer } from '../../../../src/cli/models/rerank-server.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { labUntil, lab } from '../lab.ts';
import { whole } from '../../../setup/whole.ts';

interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** With `node:http`, because `fetch` sets `Host` itself. */
function ask(
  url: string,
  path: string,
  body?: string,
  headers: Record<string, string> = { 'Content-Type': 'application/json' },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request(new URL(path, url), { method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += String(chunk)));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The relevance of a document is the length of its title. */
const byLength = (pairs: readonly ServedPair[]) =>
  Promise.resolve(
    pairs.map(({ document }) => ({
      label: 1,
      labelName: 'relevant',
      relevance: document.title.length / 100,
      probabilities: [0, 1],
    })),
  );

describe('the server', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ port: 0, maxWaiting: 8, maxBytes: 500, about: { status: 'ok' }, score: byLength });
  });
  afterAll(() => server.close());
  const post = (path: string, body: unknown): Promise<Reply> => ask(server.url, path, JSON.stringify(body));

  it('ranks in the shape of Cohere and Jina', async () => {
    const documents = ['short', { title: 'the longest of all', brand: 'b' }, 'in between'];
    const { status, body } = await post('/v1/rerank', {
      model: 'any',
      query: 'q',
      documents,
      top_n: 2,
      return_documents: true,
    });
    expect(status).toBe(200);
    expect(body['results']).toMatchObject([
      { index: 1, relevance_score: 0.18, label_name: 'relevant', document: documents[1] },
      { index: 2, relevance_score: 0.1, document: { text: 'in between' } },
    ]);
  });

  it('ranks in the shape of Text Embeddings Inference', async () => {
    const { body } = await post('/rerank', { query: 'q', texts: ['short', 'longer'], return_text: true });
    expect(body).toEqual([
      { index: 1, score: 0.06, text: 'longer' },
      { index: 0, score: 0.05, text: 'short' },
    ]);
  });

  it('scores pairs in their order, and describes itself', async () => {
    const pairs = ['aa', 'b'].map((title) => ({ query: title, document: title }));
    const { body } = await post('/score', { pairs });
    expect((body['scores'] as { relevance: number }[]).map(({ relevance }) => relevance)).toEqual([0.02, 0.01]);
    expect((await ask(server.url, '/health')).body).toEqual({ status: 'ok' });
  });

  it.runIf(process.platform === 'linux')('listens to this machine alone, at one address', async () => {
    // All of 127.0.0.0/8 is this machine on Linux; what listens to the network answers there too.
    const elsewhere = server.url.replace('127.0.0.1', '127.0.0.2');
    await expect(ask(elsewhere, '/health')).rejects.toThrow(/ECONNREFUSED/u);
  });

  const json = { 'Content-Type': 'application/json' };
  it.each<[string, string, string | undefined, Record<string, string>, number, RegExp]>([
    ['a page of a browser', '/rerank', '{}', { ...json, Origin: 'http://localhost:3000' }, 403, /browser/u],
    ['a page that reads', '/health', undefined, { Origin: 'http://localhost:3000' }, 403, /browser/u],
    ['a page without an address', '/rerank', '{}', { ...json, Origin: 'null' }, 403, /browser/u],
    ['a name that begins like this machine', '/health', undefined, { Host: 'localhost.example.org' }, 403, /Host/u],
    ['a name that was made to point here', '/rerank', '{}', { ...json, Host: 'example.org' }, 403, /Host/u],
    ['a form', '/rerank', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, /json/u],
    ['another path', '/models', undefined, json, 404, /\/rerank/u],
    ['another method', '/rerank', undefined, json, 405, /POST/u],
    ['no JSON', '/rerank', '{', json, 400, /not JSON/u],
    ['deep JSON', '/rerank', `${'['.repeat(200)}${']'.repeat(200)}`, json, 400, /nested/u],
    [
      'too many bytes',
      '/rerank',
      JSON.stringify({ query: 'q'.repeat(600), documents: ['a'] }),
      json,
      413,
      /500 bytes/u,
    ],
    ['an empty query', '/rerank', '{"query":" ","documents":["a"]}', json, 400, /query must not be empty/u],
    [
      'an empty document',
      '/rerank',
      '{"query":"q","documents":["a",{"brand":"b"}]}',
      json,
      400,
      /documents\.1.*title or a text/u,
    ],
    ['an unknown field', '/rerank', '{"query":"q","documents":[{"titel":"a"}]}', json, 400, /titel/u],
    ['no documents', '/rerank', '{"query":"q","documents":[]}', json, 400, /documents/u],
  ])('refuses %s', async (_what, path, body, headers, status, message) => {
    const reply = await ask(server.url, path, body, headers);
    expect(reply.status).toBe(status);
    expect((reply.body['error'] as { message: string }).message).toMatch(message);
    expect((await post('/rerank', { query: 'q', texts: ['a'] })).status).toBe(200); // still running
  });
});

describe('a busy server', () => {
  whole('accepts no more than its limit, answers what it has accepted, and then ends', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let begun = (): void => undefined;
    const isBegun = new Promise<void>((resolve) => (begun = resolve));
    const server = await startServer({
      port: 0,
      maxWaiting: 0,
      maxBytes: 1000,
      about: {},
      score: async (pairs) => {
        begun();
        await held;
        return byLength(pairs);
      },
    });
    const body = JSON.stringify({ query: 'q', texts: ['a'] });
    const first = ask(server.url, '/rerank', body);
    await isBegun;
    expect((await ask(server.url, '/rerank', body)).status).toBe(503);
    const closed = server.close();
    release();
    expect((await first).status).toBe(200);
    await closed;
    await expect(ask(server.url, '/rerank', body)).rejects.toThrow(/ECONNREFUSED/u);
  });
});

describe('lab serve', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-serve-'));
    for (const [name, bytes] of smallModelFiles()) await writeFile(join(folder, name), bytes);
    await mkdir(join(folder, 'empty'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('listens until it is stopped, which is not a failure', async () => {
    const { code, out, err } = await labUntil(
      /Listening/u,
      'serve',
      '--model',
      folder,
      '--backend',
      'wasm',
      '--port',
      '0',
    );
    expect(out).toMatch(/^Listening on http:\/\/127\.0\.0\.1:\d+\n$/u);
    expect(err).toMatch(/Stopped\./u);
    expect(code).toBe(0);
  });

  it('reports a missing model', async () => {
    expect((await lab('serve', '--model', join(folder, 'empty'), '--port', '0')).code).toBe(2);
  });
});
