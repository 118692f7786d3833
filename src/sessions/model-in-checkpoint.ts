/**
 * Extracts the model from a checkpoint. The reader of each kind of run is loaded on demand, because making a model's
 * files may need the rule world and listing checkpoints does not.
 */
import type { Manifest } from '../checkpoint/manifest.ts';
import { LabError } from '../common/errors.ts';
import { MODEL_KIND } from '../protocol/checkpoints.ts';
import { BRANCH_KIND } from '../protocol/grpo.ts';
import type { ModelFileBytes } from '../runs/models/model-files.ts';

const READERS: Readonly<Record<string, () => Promise<(bytes: Uint8Array, createdAt: number) => ModelFileBytes>>> = {
  sft: async () => (await import('../runs/models/sft-model.ts')).modelFilesOf,
  distill: async () => (await import('./kept-student.ts')).studentModelFiles,
  [BRANCH_KIND]: async () => (await import('./kept-branch.ts')).branchModelFiles,
  [MODEL_KIND]: async () => (await import('../runs/models/model-checkpoint.ts')).unpackModel,
};

/**
 * The files of the model in a checkpoint.
 *
 * @throws {LabError} `bad-checkpoint` if its kind has no model, or it cannot be read
 */
export async function modelInCheckpoint(
  { kind, name, createdAt }: Pick<Manifest, 'kind' | 'name' | 'createdAt'>,
  payload: Uint8Array,
): Promise<ModelFileBytes> {
  const read = READERS[kind];
  if (read !== undefined) return (await read())(payload, createdAt);
  throw new LabError('bad-checkpoint', {
    message: `The checkpoint "${name}" contains no model that can answer.`,
    expected: `a checkpoint of one of the kinds ${Object.keys(READERS).join(', ')}`,
    got: `"${kind}"`,
  });
}
