/** What the page provides to the Files view, and where its models come from. */
import { LabError } from '../../common/errors.ts';
import type { PrepareRequest } from '../../protocol/files.ts';
import { isOwnRules, type ModelChoice } from '../../protocol/model-choice.ts';
import type { BackendChoice, LoadRequest } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import { bundledModel } from '../score/bundled-models.ts';
import type { OpenFiles } from './thread/files-client.ts';

export interface FilesSurroundings {
  readonly openFiles: OpenFiles;
  readonly openStore: (() => Promise<CheckpointClient>) | undefined;
  readonly backend: BackendChoice;
}

/** The request to load a model; null for the own rules of a file, because the thread keeps them. */
export async function loadRequestOf(
  choice: ModelChoice,
  surroundings: FilesSurroundings | undefined,
  backend = surroundings?.backend ?? 'auto',
): Promise<PrepareRequest['load']> {
  return isOwnRules(choice) ? null : { source: await modelSource(choice, surroundings?.openStore), backend };
}

/** Where a thread finds a model. @param openStore - the checkpoints of this browser */
export async function modelSource(
  { kind, id }: ModelChoice,
  openStore: FilesSurroundings['openStore'],
): Promise<LoadRequest['source']> {
  if (kind !== 'checkpoint') {
    return { kind: 'url', modelUrl: new URL(bundledModel(id).folder, document.baseURI).href };
  }
  if (openStore === undefined) {
    throw new LabError('internal', { message: 'The page was given no checkpoint thread.' });
  }
  const { files } = await (await openStore()).model(id);
  return { kind: 'files', files };
}
