/**
 * One way to read any configuration: strict, with every problem named by its path.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { describeIssue, sentence } from './issues.ts';

/** The most problems that a message names, because a person mends the first ones first. */
const MOST_PROBLEMS = 4;
const MOST_MISSING = 12;

/**
 * Parses an untrusted value with a schema.
 *
 * @param place - what is being read ("config.json", "--steps"), for the message.
 * @throws {LabError} `bad-config`, listing the first issues with their paths, what was expected and what was found.
 */
export function parseConfig<const Schema extends v.GenericSchema>(
  place: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const missing = result.issues.filter(isMissing).map((issue) => v.getDotPath(issue) ?? '');
  const others = result.issues.filter((issue) => !isMissing(issue));
  const problems = others.slice(0, MOST_PROBLEMS).map((issue) => {
    const path = v.getDotPath(issue);
    const problem = describeIssue(schema, issue);
    return path === null ? problem : `${path}: ${problem}`;
  });
  if (missing.length > 0) problems.unshift(`missing: ${missing.slice(0, MOST_MISSING).join(', ')}`);
  const more = Math.max(0, others.length - MOST_PROBLEMS) + Math.max(0, missing.length - MOST_MISSING);
  if (more > 0) problems.push(`and ${more} more`);
  throw new LabError('bad-config', { message: `${place} is not usable: ${sentence(problems.join('; '))}` });
}

function isMissing({ type, received, path }: v.BaseIssue<unknown>): boolean {
  return type.endsWith('object') && received === 'undefined' && path?.at(-1)?.origin === 'key';
}
