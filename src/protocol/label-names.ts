/** The names of labels as one text, worst first: `no, partly, yes`. Runs have it as a setting; empty for the usual ones. */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { type LabelScale, makeScale, MAX_SCALE, MIN_SCALE, scaleOfSize } from '../relevance/pair/labels.ts';

/** One name. */
export const labelNameSchema = v.pipe(
  v.string(),
  v.trim(),
  v.nonEmpty('Invalid label: a name is empty'),
  v.maxLength(60, 'Invalid label: a name has at most 60 characters'),
  v.regex(/^[^,]*$/u, 'Invalid label: a name has no comma'),
);

/** All of them, each different. */
export const labelListSchema = v.pipe(
  v.array(labelNameSchema),
  v.minLength(MIN_SCALE, `Invalid labels: at least ${MIN_SCALE}, worst first`),
  v.maxLength(MAX_SCALE, `Invalid labels: at most ${MAX_SCALE}`),
  v.check((names) => new Set(names).size === names.length, 'Invalid labels: a name is repeated'),
);

/** The text as a setting. */
export const labelNamesSchema = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.trim() === '') return;
    const issue = v.safeParse(labelListSchema, namesIn(dataset.value)).issues?.[0];
    if (issue !== undefined) addIssue({ message: issue.message });
  }),
);

/**
 * The scale of a run.
 *
 * @param names - the setting
 * @throws {LabError} `bad-config` if there are more or fewer names than labels
 */
export function namedScale(names: string, scaleSize: number): LabelScale {
  if (names.trim() === '') return scaleOfSize(scaleSize);
  const list = namesIn(names);
  if (list.length === scaleSize) return makeScale(list);
  throw new LabError('bad-config', {
    message: 'The labels do not fit the scale.',
    expected: `${scaleSize} names, worst first`,
    got: `${list.length}: ${list.join(', ')}`,
    fix: 'Name every label once, or change the number of labels.',
  });
}

function namesIn(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}
