/**
 * One way to read any configuration: strict, with every problem named by its path.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { describeIssue, sentence } from './issues.ts';

/**
 * Parses an untrusted value with a schema.
 *
 * @param place - what is being read ("config.json", "--steps"), for the message.
 * @throws {LabError} `bad-config`, listing every issue with its path, what was expected and what was found.
 */
export function parseConfig<const Schema extends v.GenericSchema>(
  place: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => {
    const path = v.getDotPath(issue);
    const problem = describeIssue(schema, issue);
    return path === null ? problem : `${path}: ${problem}`;
  });
  throw new LabError('bad-config', { message: `${place} is not usable: ${sentence(problems.join('; '))}` });
}
