/**
 * Settings in a file, and options of the command line on top of them: `--config FILE`.
 */
import { readFile } from 'node:fs/promises';
import { LabError } from '../common/errors.ts';
import { systemError } from './system-errors.ts';

/** Settings as they were read, still to be checked. */
export type RawSettings = Readonly<Record<string, unknown>>;

/**
 * What stands in a file of settings; whoever asks checks it with a schema.
 *
 * @param example - of contents, for the message
 * @throws {LabError} `not-found`; `bad-config` unless it is a JSON object
 */
export async function readConfigFile(path: string, example: string): Promise<RawSettings> {
  const unreadable = (cause?: unknown): LabError =>
    new LabError('bad-config', {
      message: `The settings in ${path} cannot be read.`,
      expected: 'a file with a JSON object',
      fix: `Begin with {} and add what is to differ, for example ${example}.`,
      cause,
    });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw systemError(error, `read the settings in ${path}`);
  }
  let settings: unknown;
  try {
    settings = JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadable(cause);
  }
  if (!isObject(settings)) throw unreadable();
  return settings;
}

/** A group of settings with some of them replaced; undefined replaces nothing. What is no group is left to the schema. */
export function withChanges(group: unknown, changes: RawSettings): unknown {
  const said = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  if (group === undefined) return said;
  return isObject(group) ? { ...group, ...said } : group;
}

function isObject(value: unknown): value is RawSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
