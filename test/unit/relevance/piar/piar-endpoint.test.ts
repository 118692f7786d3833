/** The endpoint refiner against a local HTTP server: the requests it sends, and the answers it may get. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endpointRefiner, readAnswer } from '../../../../src/relevance/piar/piar-endpoint.ts';
import { type PiarData, runPiar } from '../../../../src/relevance/piar/piar.ts';
import { makeRuleWorld } from '../../../../src/relevance/world/rule-world.ts';
import { startInstruction } from '../../../../src/relevance/rules/start-instruction.ts';

const KEY = 'sk-very-secret-0123';
const world = makeRuleWorld({ trainQueries: 60, devQueries: 40, testQueries: 40 });
const DATA: PiarData = {
  train: [...world.pairs('train')],
  dev: [...world.pairs('dev')],
  test: () => [...world.pairs('test')],
  lexicon: world.lexicon,
};
const TYPE_RULE = {
  id: 'type-different',
  criterion: 'type',
  when: { kind: 'type', is: ['different'] },
  cap: 0,
  text: 'Another type.',
};
const GOOD = {
  rationale: 'another thing is no use',
  edits: [{ kind: 'add', rule: { ...TYPE_RULE, criterion: 'overall' }, before: 'all-in-title' }],
};

let server: Server | undefined;
const requests: { readonly url: string; readonly key: string | undefined; readonly body: string }[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  requests.length = 0;
});

/** A server that gives every request the same answer; returns its address. */
async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  server = createServer((request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ url: request.url ?? '', key: request.headers.authorization, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const saying =
  (content: string) =>
  (response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ id: 'x', choices: [{ index: 0, message: { role: 'assistant', content } }] }));
  };

const run = (url: string, more: { apiKey?: string; timeoutMs?: number } = {}, signal?: AbortSignal) =>
  runPiar(DATA, startInstruction(4), endpointRefiner({ url, model: 'some-model', ...more }), { rounds: 1, signal });

describe('the endpoint refiner', () => {
  it('asks once per round, keeps edits that help, and reports unusable proposals', async () => {
    const worse = {
      rationale: 'no',
      edits: [
        { kind: 'remove', id: 'otherwise' },
        { kind: 'remove', id: 'half-somewhere' },
      ],
    };
    const strange = { edits: [{ kind: 'add', rule: { ...TYPE_RULE, when: { kind: 'moon', is: ['full'] } } }] };
    const extra = { ...GOOD, confidence: 1 };
    const content = `Here you are:\n\`\`\`json\n${JSON.stringify({ proposals: [GOOD, strange, extra, worse] })}\n\`\`\``;
    const history = await run(await serve(saying(content)), { apiKey: KEY });

    expect(requests.map(({ url, key }) => ({ url, key }))).toEqual([
      { url: '/v1/chat/completions', key: `Bearer ${KEY}` },
    ]);
    const sent = JSON.parse(requests[0]?.body ?? '') as { model: string; messages: { content: string }[] };
    expect(sent.model).toBe('some-model');
    expect(sent.messages.map((message) => message.content).join()).toContain('rule all-in-title (overall)');
    expect(requests[0]?.body).not.toContain(KEY);

    const outcomes = history.rounds[0]?.proposals ?? [];
    expect(outcomes.map(({ accepted }) => accepted)).toEqual([false, false, true, false]);
    expect(outcomes[0]?.reason).toMatch(/^not usable: edits\.0\.rule\.when\.kind/u);
    expect(outcomes[1]?.reason).toMatch(/^not usable: confidence/u);
    expect(history.last.instruction.rules[0]?.id).toBe('type-different');
    expect(history.test.last.accuracy).toBeGreaterThan(history.test.first.accuracy);
    expect(JSON.stringify(history)).not.toContain(KEY);
  });

  it.each([
    ['prose', 'I would rather talk about the weather.', /not a list of proposals/u],
    ['a list', '[1, 2]', /not a list of proposals/u],
    ['nothing', '', /not a list of proposals/u],
    ['proposals that are not a list', '{"proposals": 3}', /proposals/u],
  ])('continues if a model writes %s', async (_, content, reason) => {
    const history = await run(await serve(saying(content)));
    expect(history.rounds[0]?.proposals).toMatchObject([
      { accepted: false, reason: expect.stringMatching(reason) as string },
    ]);
    expect(history.last).toEqual(history.first);
  });

  it('reports a refusal without the key and without the message of the server', async () => {
    const url = await serve((response) => {
      response.statusCode = 401;
      response.end(`{"error": "Incorrect API key provided: ${KEY}"}`);
    });
    const error = await run(url, { apiKey: KEY }).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(/127\.0\.0\.1.*status 401/u) as string,
    });
    expect(`${error?.stack ?? ''} ${JSON.stringify(error)}`).not.toContain(KEY);
  });

  it('reports an answer that is not a completion, and an unreachable endpoint', async () => {
    await expect(run(await serve((response) => void response.end('<html></html>')))).rejects.toThrow(
      /chat completion/u,
    );
    const gone = await serve(saying(''));
    server?.close();
    await new Promise((resolve) => server?.once('close', resolve));
    await expect(run(gone)).rejects.toMatchObject({ code: 'bad-config' });
  });

  it('times out, and stops on request', async () => {
    const url = await serve(() => undefined);
    await expect(run(url, { timeoutMs: 50 })).rejects.toThrow(/nothing within 0\.05 s/u);
    const controller = new AbortController();
    const stopped = run(url, {}, controller.signal);
    while (requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });

  it.each(['localhost', 'ftp://example.org', 'https://user:pass@example.org/v1', ''])(
    'rejects the address "%s" without repeating a password',
    (url) => {
      const make = (): unknown => endpointRefiner({ url, model: 'm' });
      expect(make).toThrow(/address of the endpoint/u);
      expect(make).not.toThrow(/pass@/u);
    },
  );
});

describe('readAnswer', () => {
  it('reads at most the requested number of proposals', () => {
    const answer = readAnswer(JSON.stringify({ proposals: [GOOD, GOOD, GOOD] }), 2);
    expect(answer).toEqual({ proposals: [GOOD, GOOD], unusable: [] });
  });
});
