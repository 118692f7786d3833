/**
 * A student as the browser stores it: the checkpoint of its run, the address of its teacher and the files that the
 * student shares with it, so that it can be resumed and used to answer. `lab distill --resume` reads the same bytes.
 */
import * as v from 'valibot';
import { readSafetensors } from '../checkpoint/safetensors.ts';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { readTokenizer } from '../data/tokenizer/read-tokenizer.ts';
import { LabFileSchema } from '../infer/lab-model.ts';
import { ModelCardSchema } from '../infer/model-card.ts';
import { makeStudentCard } from '../runs/models/distill-card.ts';
import { type DistillCheckpoint, readDistillCheckpoint, writeDistillCheckpoint } from '../runs/distill-checkpoint.ts';
import { vectorsOfRun } from '../runs/run-file.ts';
import { makeModelFiles, type ModelFileBytes } from '../runs/models/model-files.ts';

const KeptSchema = v.strictObject({
  schemaVersion: v.literal(1),
  /** A folder or a checkpoint of this browser, as in the request of the run. */
  teacherUrl: v.string(),
  trainPairs: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** The teacher's files, as JSON; each checked by its own reader. */
  teacher: v.strictObject({ config: v.unknown(), tokenizer: v.unknown(), lab: v.unknown(), card: v.unknown() }),
});
/** The same as JSON text. */
const KeptTextSchema = v.pipe(v.string(), v.parseJson(), KeptSchema);

/** What is kept beside the checkpoint. */
export type StudentOrigin = Omit<v.InferOutput<typeof KeptSchema>, 'schemaVersion'>;

/** The metadata entry, beside that of the run. */
const ENTRY = 'student';

/** @param vectors - the file of vectors of the teacher, if its prompts show similarities */
export function writeKeptStudent(
  checkpoint: DistillCheckpoint,
  origin: StudentOrigin,
  vectors?: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return writeDistillCheckpoint(checkpoint, { [ENTRY]: JSON.stringify({ schemaVersion: 1, ...origin }) }, vectors);
}

/** @throws {LabError} `bad-checkpoint` or `bad-config` if the bytes are not a stored student of this version */
export function readKeptStudent(bytes: Uint8Array): StudentOrigin & { readonly checkpoint: DistillCheckpoint } {
  const text = readSafetensors(bytes).metadata.get(ENTRY);
  if (text === undefined) {
    throw new LabError('bad-checkpoint', {
      message: 'This is a checkpoint of a command-line run, which does not name the address of its teacher.',
      fix: 'Resume it with "npm run lab -- distill --resume".',
    });
  }
  const { teacherUrl, trainPairs, teacher } = parseConfig('The kept student', KeptTextSchema, text);
  return { teacherUrl, trainPairs, teacher, checkpoint: readDistillCheckpoint(bytes) };
}

/**
 * The files of the model in a stored student.
 *
 * @param createdAt - of the checkpoint, milliseconds since 1970
 * @throws {LabError} as {@link readKeptStudent}
 */
export function studentModelFiles(bytes: Uint8Array, createdAt: number): ModelFileBytes {
  const { trainPairs, teacher, checkpoint } = readKeptStudent(bytes);
  const { experiment, student, teacherHash, worldHash, state, curve } = checkpoint;
  const { steps } = experiment.distill;
  const dtype = 'f32';
  const card = makeStudentCard(experiment, {
    teacher: {
      model: { card: parseConfig('The card of the teacher', ModelCardSchema, teacher.card) },
      hash: teacherHash,
    },
    student,
    prepared: { dataHash: worldHash, examples: { length: trainPairs } },
    finished: { tokens: state.tokens, curve },
    command: 'A run of the Train view',
    dtype,
    device: 'an unrecorded device',
    date: new Date(createdAt).toISOString().slice(0, 10),
  });
  const limits = [
    ...(state.step < steps ? [`Saved at step ${state.step} of ${steps}, before the end.`] : []),
    ...card.limits,
  ];
  return makeModelFiles({
    config: student,
    weights: state.weights,
    dtype,
    tokenizer: readTokenizer(teacher.tokenizer),
    vectors: vectorsOfRun(bytes),
    lab: parseConfig('The lab.json of the teacher', LabFileSchema, teacher.lab),
    card: { ...card, training: { ...card.training, steps: state.step }, limits },
  });
}
