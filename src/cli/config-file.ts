/**
 * Settings from a file, overridden by command-line options: `--config FILE`.
 */
import { readFile } from 'node:fs/promises';
import { LabError } from '../common/errors.ts';
import { systemError } from './system-errors.ts';

/** Settings as read, before they are checked. */
export type RawSettings = Readonly<Record<string, unknown>>;

/**
 * The contents of a settings file; the caller checks them with a schema.
 *
 * @param example - example contents for the message
 * @throws {LabError} `not-found`; `bad-config` unless it is a JSON object
 */
export async function readConfigFile(path: string, example: string): Promise<RawSettings> {
  const unreadable = (cause?: unknown): LabError =>
    new LabError('bad-config', {
      message: `The settings in ${path} cannot be read.`,
      expected: 'a file with a JSON object',
      fix: `Start with {} and add the settings to change, for example ${example}.`,
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

/**
 * A group of settings with some replaced; undefined replaces nothing. The schema rejects a value that is not a group.
 */
export function withChanges(group: unknown, changes: RawSettings): unknown {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  if (group === undefined) return given;
  return isObject(group) ? { ...group, ...given } : group;
}

function isObject(value: unknown): value is RawSettings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
