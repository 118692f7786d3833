/**
 * What a fuzz target is: a way to make inputs, and a check that passes, throws a LabError (the input was refused), or
 * throws anything else, which is a find.
 */
import { isDeepStrictEqual } from 'node:util';
import { LabError } from '../../../src/common/errors.ts';
import type { Rng } from '../../../src/common/rng.ts';

/** Inputs are JSON values and byte arrays in them, so that a find can be stored. */
export interface Target {
  readonly name: string;
  make(rng: Rng): unknown;
  /** Throws a LabError for an input that is refused, {@link Wrong} for one that is misread. */
  check(input: unknown): unknown;
}

/** Types the input of a target; what `make` returns is what `check` gets, perhaps by way of a file. */
export function target<Input>(name: string, make: (rng: Rng) => Input, check: (input: Input) => unknown): Target {
  return { name, make, check: (input) => check(input as Input) };
}

/** A reader accepted, changed or refused what it should not have. */
export class Wrong extends Error {}

/** Compares by value; -0 is 0, as JSON writes it. */
export function expectSame(what: string, got: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(got, wanted)) return;
  const [a, b] = [brief(got), brief(wanted)];
  if (a === b && isDeepStrictEqual(throughJson(got), throughJson(wanted))) return;
  throw new Wrong(`${what}: ${a} is not ${b}`);
}

/** Whatever is accepted has to survive its own JSON. @param read - the reader that accepted it */
export function expectJsonRoundTrip(what: string, accepted: unknown, read: (value: unknown) => unknown): void {
  const written = throughJson(accepted);
  expectSame(`${what}, written and read`, throughJson(read(written)), written);
  expectFinite(what, accepted);
}

function expectFinite(what: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Wrong(`${what}: ${value} was accepted`);
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const item of Object.values(value)) expectFinite(what, item);
  }
}

/** The result, or the code and message of a LabError; anything else is thrown on. */
export async function outcomeOf(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof LabError) return `${thrown.code}: ${thrown.message}`;
    throw thrown;
  }
}

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
}

function brief(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 400);
}
