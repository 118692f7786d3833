/**
 * A refiner that asks a language model at an OpenAI-compatible endpoint named by the user. It sends nothing anywhere
 * else and nothing unless asked; a request holds the rules, the groups of errors, and a few pairs of each group. The
 * answer is untrusted: every proposal is parsed strictly, and an unusable one is reported with its reason. As with any
 * proposal, the dev pairs decide whether it helps.
 *
 * The key is kept in memory only: it is sent in one request header and never enters an error, a history or a name.
 */
import * as v from 'valibot';
import { LabError, messageOf, throwIfAborted } from '../../common/errors.ts';
import { editSchema } from '../rules/instruction-edits.ts';
import type { Proposal, Refiner, RefinerAnswer } from './piar.ts';
import { refinerPrompt } from './piar-prompt.ts';

export interface EndpointOptions {
  /** The base of the API, such as `http://localhost:1234/v1`; `/chat/completions` is added. */
  readonly url: string;
  readonly model: string;
  readonly apiKey?: string | undefined;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Default 120,000. */
  readonly timeoutMs?: number;
  /** The most proposals read from an answer. Default 8. */
  readonly proposals?: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;
/** A longer answer is not a list of edits. */
const MAX_ANSWER_LENGTH = 200_000;
/** The maximum number of edits in a proposal; more would be a new instruction. */
const MAX_EDITS = 8;

const completionSchema = v.object({
  choices: v.pipe(v.array(v.object({ message: v.object({ content: v.string() }) })), v.minLength(1)),
});
const answerSchema = v.strictObject({ proposals: v.array(v.unknown()) });
const proposalSchema = v.strictObject({
  rationale: v.optional(v.pipe(v.string(), v.maxLength(2000)), ''),
  edits: v.pipe(v.array(editSchema), v.minLength(1), v.maxLength(MAX_EDITS)),
});

/**
 * A refiner that asks the endpoint once per round.
 *
 * Its `propose` throws {@link LabError} `bad-config` if the endpoint's answer is not a completion, `aborted` on
 * request. An answer without usable proposals is not an error.
 *
 * @throws {LabError} `bad-config` if the address is not usable.
 */
export function endpointRefiner(options: EndpointOptions): Refiner {
  const url = completionsUrl(options.url);
  const { model, proposals: most = 8 } = options;
  return {
    name: `${model} at ${url.host}`,
    async propose(view) {
      const content = await ask(url, options, refinerPrompt(view, most), view.signal);
      return readAnswer(content, most);
    },
  };
}

/** Reads the proposals in a model's answer; unusable ones are returned with their reasons. Never throws. */
export function readAnswer(content: string, most: number): RefinerAnswer {
  const data = jsonIn(content);
  const answer = v.safeParse(answerSchema, data);
  if (!answer.success) {
    return {
      proposals: [],
      unusable: [{ what: excerpt(content), reason: `not a list of proposals: ${problemOf(answer)}` }],
    };
  }
  const proposals: Proposal[] = [];
  const unusable: { what: string; reason: string }[] = [];
  for (const one of answer.output.proposals.slice(0, most)) {
    const parsed = v.safeParse(proposalSchema, one);
    if (parsed.success) proposals.push(parsed.output);
    else unusable.push({ what: excerpt(JSON.stringify(one)), reason: problemOf(parsed) });
  }
  return { proposals, unusable };
}

function completionsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isUsable = url !== null && /^https?:$/u.test(url.protocol) && url.username === '' && url.password === '';
  if (!isUsable) {
    throw new LabError('bad-config', {
      message: 'The address of the endpoint is not usable.',
      expected: 'an http or https address without a password, such as http://localhost:1234/v1',
      got: url === null ? 'no address' : `${url.protocol}//${url.host}`,
    });
  }
  url.pathname = `${url.pathname.replace(/\/+$/u, '').replace(/\/chat\/completions$/u, '')}/chat/completions`;
  return url;
}

async function ask(
  url: URL,
  { model, apiKey, fetch: request = fetch, timeoutMs = DEFAULT_TIMEOUT_MS }: EndpointOptions,
  messages: readonly { readonly role: string; readonly content: string }[],
  signal: AbortSignal | undefined,
): Promise<string> {
  throwIfAborted(signal);
  const timeout = AbortSignal.timeout(timeoutMs);
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (apiKey !== undefined && apiKey !== '') headers['authorization'] = `Bearer ${apiKey}`;
  const body = JSON.stringify({ model, messages, temperature: 0 });
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let status: string;
  let text: string;
  try {
    const response = await request(url, { method: 'POST', headers, body, signal: either, redirect: 'error' });
    status = response.ok ? '' : `status ${response.status}`;
    text = await response.text();
  } catch (error) {
    throwIfAborted(signal);
    const why = timeout.aborted ? `nothing within ${timeoutMs / 1000} s` : withoutKey(messageOf(error), apiKey);
    throw unanswered(url, why);
  }
  // A server's message about a refused request may repeat the key, so only the status is shown.
  if (status !== '') throw unanswered(url, status);
  if (text.length > MAX_ANSWER_LENGTH) throw unanswered(url, `an answer of ${text.length} characters`);
  const completion = v.safeParse(completionSchema, jsonOf(text));
  const content = completion.success ? completion.output.choices[0]?.message.content : undefined;
  if (content === undefined) throw unanswered(url, 'something other than a chat completion');
  return content;
}

function unanswered(url: URL, got: string): LabError {
  return new LabError('bad-config', {
    message: `The endpoint at ${url.host} did not answer as expected.`,
    expected: 'a chat completion in the OpenAI format',
    got,
    fix: 'Check the address, the model name and the key, or refine without an endpoint.',
  });
}

function withoutKey(text: string, apiKey: string | undefined): string {
  return apiKey === undefined || apiKey === '' ? text : text.replaceAll(apiKey, '(key)');
}

// Models often put JSON into a code fence or write a sentence before it.
function jsonIn(content: string): unknown {
  const whole = jsonOf(content);
  return whole === undefined ? jsonOf(content.slice(content.indexOf('{'), content.lastIndexOf('}') + 1)) : whole;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf({
  issues,
}: {
  readonly issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]];
}): string {
  const [issue] = issues;
  const place = v.getDotPath(issue);
  return place === null ? issue.message : `${place}: ${issue.message}`;
}

function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
