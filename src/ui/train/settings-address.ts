/**
 * The settings of the Train view in its address: of a run from data, or of a student.
 */
import type { JsonForm } from '../parts/forms/settings-json.ts';
import { settingsIn } from '../parts/routes.ts';
import { SFT_FORM } from './sft-draft.ts';
import { STUDENT_FORM } from './student-choice.ts';

export const SFT_JSON: JsonForm = { schema: SFT_FORM.schema, place: ['train', 'settings'] };
export const STUDENT_JSON: JsonForm = { schema: STUDENT_FORM.schema, place: ['train', 'student'] };

/** Whether an address brings the settings of a student. */
export function bringsStudent(hash: string): boolean {
  return settingsIn(hash, STUDENT_JSON.place) !== undefined;
}

/** Whether an address brings settings, which go before those of the last run. */
export function bringsSettings(hash: string): boolean {
  return bringsStudent(hash) || settingsIn(hash, SFT_JSON.place) !== undefined;
}
