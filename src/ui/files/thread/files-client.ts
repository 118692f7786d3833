/**
 * The page's side of the worker that judges files of pairs.
 *
 * Room `ui/files/thread/`: how the Files view reaches its worker, restarts it, and hears of other tabs.
 */
import workerUrl from '../../../../workers/files.worker.ts?worker&url';
import {
  CaughtUpSchema,
  ExplainedSchema,
  ExportedSchema,
  FileListSchema,
  FileMeasuresSchema,
  FilePairSchema,
  type FilesApi,
  FileScoringEventSchema,
  FileScoringSchema,
  FileTableSchema,
  OpenedFileSchema,
  type PrepareRequest,
  VerifiedSchema,
  WithoutSchema,
} from '../../../protocol/files.ts';
import { RulesProgressSchema, RulesStateSchema } from '../../../protocol/file-rules.ts';
import { LearningSchema, LessonSchema } from '../../../protocol/learning.ts';
import { LoadProgressSchema } from '../../../protocol/scoring.ts';
import * as v from 'valibot';
import { openWorker, type WorkerClient } from '../../parts/sessions/open-worker.ts';

/** A client that judges one file at a time. */
export type FilesClient = WorkerClient<FilesApi>;

/** Starts a thread that judges files. */
export type OpenFiles = () => Promise<FilesClient>;

/** The bytes of a model go over to the thread. */
function filesGiven({ load }: PrepareRequest): ArrayBuffer[] {
  const source = load?.source;
  return source?.kind === 'files' ? Object.values(source.files).map(({ buffer }) => buffer) : [];
}

export function openFilesWorker(): FilesClient {
  return openWorker<FilesApi>(
    workerUrl,
    {
      list: { result: FileListSchema },
      add: { result: OpenedFileSchema },
      open: { result: OpenedFileSchema },
      remove: {},
      map: { result: OpenedFileSchema },
      prepare: {
        result: FileScoringSchema,
        event: LoadProgressSchema,
        gives: filesGiven,
      },
      begin: { result: FileTableSchema },
      table: { result: FileTableSchema },
      bm25Ranks: { result: v.instance(Int32Array) },
      score: {
        event: FileScoringEventSchema,
        malformed: (message) => ({ kind: 'failed', code: 'internal', message }),
      },
      pause: {},
      pair: { result: FilePairSchema },
      without: { result: WithoutSchema },
      reasonsAt: { result: v.array(v.nullable(v.string())) },
      explain: { result: v.nullable(ExplainedSchema) },
      correct: {},
      undoCorrection: {},
      catchUp: { result: CaughtUpSchema },
      measure: { result: v.nullable(FileMeasuresSchema) },
      exportFile: { result: ExportedSchema },
      lesson: { result: LessonSchema },
      keepLearning: {},
      learning: { result: v.nullable(LearningSchema) },
      compare: { result: LearningSchema, event: LoadProgressSchema, gives: filesGiven },
      rules: { result: RulesStateSchema, event: RulesProgressSchema },
      stopRules: {},
      rulesFile: { result: ExportedSchema },
      verify: { result: VerifiedSchema },
    },
    { name: 'files' },
  );
}
