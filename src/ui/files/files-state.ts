/** The state of the Files view, by name, and what bounds it. */
import type { ModelChoice } from '../../protocol/model-choice.ts';

/** The parts of the controller's state that change together and are drawn when they do. */
export type StateName =
  | 'stage'
  | 'list'
  | 'reading'
  | 'file'
  | 'failure'
  | 'choice'
  | 'preparing'
  | 'prepared'
  | 'table'
  | 'isScoring'
  | 'measures';

/** What the view shows. */
export type FilesStage = 'list' | 'reading' | 'mapping' | 'ready' | 'results';

/** Corrections in quick succession are measured together. */
export const MEASURE_AFTER_MS = 700;

/** The model that scores a file unless another is chosen. */
export const FILES_MODEL: ModelChoice = { kind: 'bundled', id: 'general' };
