/**
 * A branch of a demonstration as the browser stores it: the checkpoint of its run, its events so far, and the files of
 * its start besides the weights, so that it can be resumed, shown again, and used to answer. `lab grpo --resume` reads
 * the same bytes.
 */
import * as v from 'valibot';
import { readSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import { fromHuggingFaceConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { readTokenizer } from '../data/tokenizer/read-tokenizer.ts';
import { LabFileSchema } from '../infer/lab-model.ts';
import { ModelCardSchema } from '../infer/model-card.ts';
import { type BranchEvent, BranchEventSchema } from '../protocol/grpo.ts';
import { renameOldKeys } from '../protocol/renamed-keys.ts';
import { rewardName } from '../relevance/rules/reward.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint, writeGrpoCheckpoint } from '../runs/grpo-checkpoint.ts';
import { vectorsOfRun } from '../runs/run-file.ts';
import { makeModelFiles, type ModelFileBytes } from '../runs/models/model-files.ts';
import type { ModelTexts } from './start-files.ts';

const KeptSchema = v.strictObject({
  schemaVersion: v.literal(1),
  name: v.string(),
  history: v.array(BranchEventSchema),
  /** The files of the start, as JSON; each checked by its own reader. */
  start: v.strictObject({ config: v.unknown(), tokenizer: v.unknown(), lab: v.unknown(), card: v.unknown() }),
});
/** The same as JSON text. */
const KeptTextSchema = v.pipe(v.string(), v.parseJson(), v.transform(renameOldKeys), KeptSchema);

/** A branch at one of its checkpoints. */
export interface KeptBranch {
  readonly name: string;
  readonly checkpoint: GrpoCheckpoint;
  /** The events of its steps so far, including those before its fork. */
  readonly history: readonly BranchEvent[];
  /** The files of the start. */
  readonly start: ModelTexts;
  /** The file of vectors of the start, if its prompts show similarities. */
  readonly vectors?: Uint8Array | undefined;
}

/** The metadata entry, beside that of the run. */
const ENTRY = 'branch';

/** The bytes of a kept branch. */
export function writeKeptBranch({ name, checkpoint, history, start, vectors }: KeptBranch): Uint8Array<ArrayBuffer> {
  const entry = JSON.stringify({ schemaVersion: 1, name, history, start });
  return writeGrpoCheckpoint(checkpoint, { [ENTRY]: entry }, vectors);
}

/** @throws {LabError} `bad-checkpoint` or `bad-config` if the bytes are not a stored branch of this version */
export function readKeptBranch(bytes: Uint8Array): KeptBranch {
  const text = readSafetensors(bytes).metadata.get(ENTRY);
  if (text === undefined) {
    throw new LabError('bad-checkpoint', {
      message: 'This is a checkpoint of a command-line run, not of a branch of the Collapse view.',
      fix: 'Resume it with "npm run lab -- grpo --resume".',
    });
  }
  const { name, history, start } = parseConfig('The kept branch', KeptTextSchema, text);
  return { name, history, start, checkpoint: readGrpoCheckpoint(bytes), vectors: vectorsOfRun(bytes) };
}

/**
 * The files of the model in a stored branch.
 *
 * @param createdAt - of the checkpoint, milliseconds since 1970
 * @throws {LabError} as {@link readKeptBranch}
 */
export function branchModelFiles(bytes: Uint8Array, createdAt: number): ModelFileBytes {
  const { name, checkpoint, start, vectors } = readKeptBranch(bytes);
  const { experiment, state } = checkpoint;
  const card = parseConfig('The card of the start', ModelCardSchema, start.card);
  const dtype = 'f32';
  return makeModelFiles({
    config: fromHuggingFaceConfig(start.config),
    weights: state.weights,
    dtype,
    tokenizer: readTokenizer(start.tokenizer),
    vectors,
    lab: parseConfig('The lab.json of the start', LabFileSchema, start.lab),
    card: {
      ...card,
      name,
      dtype,
      training: {
        command: 'A branch of the Collapse view',
        seed: experiment.grpo.seed,
        steps: state.step,
        tokens: state.tokens.learned + state.tokens.expert,
        device: 'an unrecorded device',
        date: new Date(createdAt).toISOString().slice(0, 10),
      },
      evaluation: null,
      curve: [],
      limits: [
        `Trained from ${card.name} by reinforcement, reward "${rewardName(experiment.reward)}", step ${state.step} of ` +
          `${experiment.grpo.steps}.`,
        ...card.limits,
      ],
    },
  });
}
