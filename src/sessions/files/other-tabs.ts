/**
 * What other tabs may have changed of a file that is open here too. A change that was made without having seen theirs is
 * refused in the transaction that would store it.
 */
import type { JudgedRecord } from '../../checkpoint/judged-files.ts';
import { LabError } from '../../common/errors.ts';
import { readingOf, scoringOf } from './open-file.ts';

/** Whether a record is stored with the columns, grades and layout with which it is open here. */
export function isReadAlike(seen: JudgedRecord, now: JudgedRecord): boolean {
  return areSame(readingPartsOf(seen), readingPartsOf(now));
}

/** Whether a record is stored with as many scores of the same scorer, too. */
export function isScoredAlike(seen: JudgedRecord, now: JudgedRecord): boolean {
  return isReadAlike(seen, now) && seen.scored === now.scored && areSame(scorerOf(seen), scorerOf(now));
}

/** @throws {LabError} `bad-config` if another tab has changed how a file is read */
export function checkReadAlike(seen: JudgedRecord, now: JudgedRecord): void {
  if (!isReadAlike(seen, now)) throw changedElsewhere('The columns or grades');
}

/** @throws {LabError} `bad-config` if another tab has changed how a file is read or scored */
export function checkScoredAlike(seen: JudgedRecord, now: JudgedRecord): void {
  checkReadAlike(seen, now);
  if (!isScoredAlike(seen, now)) throw changedElsewhere('The scores');
}

/** @param what - of the file, in the plural */
export function changedElsewhere(what: string): LabError {
  return new LabError('bad-config', {
    message: `${what} of this file were changed in another tab meanwhile, so this change was not made.`,
    fix: 'Look at them as they are now, then change them again.',
  });
}

/** Whether two values that are stored are equal; none is equal to null. */
export function areSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function readingPartsOf(record: JudgedRecord): unknown {
  const sorted = Object.entries(record.columns).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [sorted, record.grades, readingOf(record)];
}

function scorerOf(record: JudgedRecord): unknown {
  const scoring = scoringOf(record);
  return scoring && [scoring.modelHash, scoring.backend, scoring.gradeNames, scoring.pairs];
}
