/**
 * The protocol that all sessions of the training worker share: commands that steer them, events about their backend and
 * progress, and the reading of training files.
 */
import * as v from 'valibot';
import { FailureSchema } from './failure.ts';
import type { DataSummary, FileColumns, ReadDataRequest, ReadRulesRequest, RulesSummary } from './imported-data.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const atStep = { step: count };

/** A backend as the page shows it. */
export const backendEntries = {
  backend: v.picklist(['webgpu', 'wasm', 'cpu']),
  device: v.string(),
  /** Why this backend, in one clause. */
  reason: v.string(),
  /** Backends that failed to start or computed wrong results, a sentence each, shown as a warning. */
  problems: v.array(v.string()),
};

/** Commands take effect between two steps, and are ignored where they do not apply. */
export const STEERING_COMMANDS = [
  v.strictObject({ kind: v.literal('pause') }),
  v.strictObject({ kind: v.literal('resume') }),
  /** One step of every run with the fewest steps, then a pause. */
  v.strictObject({ kind: v.literal('step') }),
  v.strictObject({ kind: v.literal('stop') }),
  /** While the page is visible, the GPU is left to the desktop between short pieces of work. */
  v.strictObject({ kind: v.literal('visibility'), isVisible: v.boolean() }),
] as const;

/** Events of the session itself; `step` is the fewest steps that any of its runs has made. */
export const STEERING_EVENTS = [
  v.strictObject({ kind: v.literal('backend'), ...backendEntries }),
  v.strictObject({ kind: v.literal('paused'), ...atStep }),
  v.strictObject({ kind: v.literal('resumed'), ...atStep }),
  /** The GPU was lost: another is being opened, and every run restarts from its last checkpoint. */
  v.strictObject({ kind: v.literal('recovering'), ...atStep, reason: v.string() }),
  /** A command cannot be followed; nothing has changed. */
  v.strictObject({ kind: v.literal('refused'), ...FailureSchema.entries }),
] as const;

export type SteeringCommand = v.InferOutput<(typeof STEERING_COMMANDS)[number]>;
export type SteeringEvent = v.InferOutput<(typeof STEERING_EVENTS)[number]>;

/** Reads training data. Each method rejects with a code of LabErrorCode as the error's name. */
export interface DataApi {
  /** Reads files of judged pairs. `bad-file` if they cannot be used. */
  readData(request: ReadDataRequest): Promise<DataSummary>;
  /** The columns of such files, whether they can be used or not. `bad-file` if they cannot be read at all. */
  readColumns(request: ReadDataRequest): Promise<FileColumns>;
  /** Reads an instruction and its lexicon, for data that was read. */
  readRules(request: ReadRulesRequest): Promise<RulesSummary>;
}
