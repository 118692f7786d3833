/** The page's side of the worker that judges files of pairs. */
import workerUrl from '../../../workers/files.worker.ts?worker&url';
import {
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
  VerifiedSchema,
  WithoutSchema,
} from '../../protocol/files.ts';
import { LoadProgressSchema } from '../../protocol/scoring.ts';
import * as v from 'valibot';
import { openWorker, type WorkerClient } from '../parts/sessions/open-worker.ts';

/** A client that judges one file at a time. */
export type FilesClient = WorkerClient<FilesApi>;

/** Starts a thread that judges files. */
export type OpenFiles = () => Promise<FilesClient>;

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
        gives: ({ load: { source } }) =>
          source.kind === 'files' ? Object.values(source.files).map(({ buffer }) => buffer) : [],
      },
      begin: { result: FileTableSchema },
      table: { result: FileTableSchema },
      score: {
        event: FileScoringEventSchema,
        malformed: (message) => ({ kind: 'failed', code: 'internal', message }),
      },
      pause: {},
      pair: { result: FilePairSchema },
      without: { result: WithoutSchema },
      explain: { result: v.nullable(ExplainedSchema) },
      correct: {},
      undoCorrection: {},
      measure: { result: v.nullable(FileMeasuresSchema) },
      exportFile: { result: ExportedSchema },
      verify: { result: VerifiedSchema },
    },
    { name: 'files' },
  );
}
