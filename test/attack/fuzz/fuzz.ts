/**
 * The fuzzer: cases by number, each a function of seed and number. It counts what should never happen, and keeps each
 * find as a file that a test reads for ever after.
 */
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { LabError, messageOf } from '../../../src/common/errors.ts';
import { Rng } from '../../../src/common/rng.ts';
import type { Target } from './target.ts';
import { ARCHIVE_TARGETS, RARE_TARGETS } from './targets/archive-targets.ts';
import { MESSAGE_TARGETS } from './targets/message-targets.ts';
import { MODEL_TARGETS } from './targets/model-targets.ts';
import { RECORD_TARGETS } from './targets/record-targets.ts';
import { TEXT_TARGETS } from './targets/text-targets.ts';
import { WEIGHT_TARGETS } from './targets/weight-targets.ts';

/** A case may take this much processor time. */
export const MOST_CPU_MS = 5000;
/** A refusal may take this many characters. */
export const MOST_CHARACTERS = 300;
/** Of how many cases one is of a slow target. */
const RARE_EVERY = 500;

const COMMON = [
  ...ARCHIVE_TARGETS,
  ...RECORD_TARGETS,
  ...TEXT_TARGETS,
  ...MODEL_TARGETS,
  ...WEIGHT_TARGETS,
  ...MESSAGE_TARGETS,
];
export const TARGETS: ReadonlyMap<string, Target> = new Map([...COMMON, ...RARE_TARGETS].map((one) => [one.name, one]));

export type Kind = 'exception' | 'wrong' | 'slow' | 'long message' | 'pollution';

/** A case in which something happened that should never happen. */
export interface Find {
  readonly target: string;
  readonly number: number;
  readonly kind: Kind;
  readonly what: string;
  readonly input: unknown;
}

export interface CaseOutcome {
  readonly target: string;
  readonly isRefused: boolean;
  readonly cpuMs: number;
  readonly find: Find | undefined;
}

/** Runs one case of a seed. */
export async function runCase(seed: string, number: number, only?: readonly Target[]): Promise<CaseOutcome> {
  const { target, input } = caseOf(seed, number, only);
  return judge(target, number, input);
}

/** What a case of a seed is. @param only - the targets to draw from, default all */
export function caseOf(
  seed: string,
  number: number,
  only: readonly Target[] = COMMON,
): { readonly target: Target; readonly input: unknown } {
  const rng = new Rng(`${seed}/${number}`);
  const isRare = only === COMMON && number % RARE_EVERY === RARE_EVERY - 1;
  const target = rng.pick(isRare ? RARE_TARGETS : only);
  return { target, input: target.make(rng) };
}

/** The targets whose names begin with this; undefined for all. */
export function targetsNamed(start: string): readonly Target[] | undefined {
  if (start === '') return undefined;
  const found = [...TARGETS.values()].filter(({ name }) => name.startsWith(start));
  if (found.length > 0) return found;
  throw new Error(`There is no target "${start}"; there are ${[...TARGETS.keys()].join(', ')}.`);
}

/** Runs a target on an input. */
export async function judge(target: Target, number: number, input: unknown): Promise<CaseOutcome> {
  const start = process.cpuUsage();
  let isRefused = false;
  let found: Pick<Find, 'kind' | 'what'> | undefined;
  const rejections: unknown[] = [];
  const hear = (reason: unknown): void => void rejections.push(reason);
  process.on('unhandledRejection', hear);
  try {
    await target.check(input);
  } catch (thrown) {
    if (thrown instanceof LabError) {
      isRefused = true;
      if (thrown.message.length > MOST_CHARACTERS) found = { kind: 'long message', what: `${thrown.message.length}: ${thrown.message.slice(0, 500)}` }; // prettier-ignore
    } else {
      const isWrong = thrown instanceof Error && thrown.constructor.name === 'Wrong';
      found = { kind: isWrong ? 'wrong' : 'exception', what: isWrong ? messageOf(thrown) : stackOf(thrown) }; // prettier-ignore
    }
  }
  await setImmediate();
  process.off('unhandledRejection', hear);
  // What nobody waits for ends the process, even if the input was refused.
  if (rejections.length > 0) found ??= { kind: 'exception', what: `nobody handles it: ${stackOf(rejections[0])}` };
  const { user, system } = process.cpuUsage(start);
  const cpuMs = (user + system) / 1000;
  if (cpuMs > MOST_CPU_MS) found ??= { kind: 'slow', what: `${Math.round(cpuMs)} ms of processor time` };
  if (Object.keys(Object.prototype).length > 0) found ??= { kind: 'pollution', what: 'Object.prototype has new keys' };
  return { target: target.name, isRefused, cpuMs, find: found && { target: target.name, number, ...found, input } };
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? '').slice(0, 1500) : messageOf(thrown);
}

/** A find as the text of a file; bytes become base64. */
export function findToJson({ target, kind, what, input }: Omit<Find, 'number'>): string {
  const bytes = (_key: string, value: unknown): unknown =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
  // JSON knows no -0, NaN or undefined; none is needed to repeat a find so far.
  return `${JSON.stringify({ target, kind, what: what.split('\n')[0]?.slice(0, 200), input: plain(input) }, bytes, 1)}\n`;
}

/** Buffers have a `toJSON` of their own, which comes before a replacer. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** The target and the input of such a file. */
export function findFromJson(json: string): { readonly target: string; readonly input: unknown } {
  return JSON.parse(json, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string'
      ? Uint8Array.from(Buffer.from(value.base64, 'base64'))
      : value,
  ) as { target: string; input: unknown };
}
