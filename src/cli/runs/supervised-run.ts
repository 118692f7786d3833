/**
 * A supervised run on disk: log and checkpoints during the run, a model folder at its end.
 */
import { join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import { countParameters } from '../../config/model-config.ts';
import { makeFileLabFile, makeLabFile } from '../../runs/models/lab-file.ts';
import type { StoredDtype } from '../../config/stored.ts';
import { makeModelCard } from '../../runs/models/sft-card.ts';
import { readSftCheckpoint, type SftCheckpoint, writeSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { type PreparedSft, prepareSft } from '../../runs/sft-experiment.ts';
import { recordedCompletions } from '../../runs/recorded-answers.ts';
import { describeSft } from '../../runs/run-summary.ts';
import { trainWatched } from '../../runs/run-watch.ts';
import { type FinishedSft, type RunHooks, runSft } from '../../runs/sft-run.ts';
import type { WeighedStart } from '../../runs/sft-start.ts';
import { hashWeights } from '../../runs/weights-hash.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import type { LabFile } from '../../infer/lab-model.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import { namedScale } from '../../protocol/label-names.ts';
import type { FileData, SftExperiment } from '../../protocol/sft-experiment.ts';
import type { RunWatch } from '../../protocol/tracked-run.ts';
import type { LabelScale } from '../../relevance/pair/labels.ts';
import type { SynthesisCounts } from '../../relevance/rules/trace-synthesis.ts';
import type { Evaluation } from '../../train/evaluate.ts';
import { writeModelFolder } from '../model-folder.ts';
import { RunFolder } from './run-folder.ts';
import { endAt, noteEarlyEnd, type RunEnd, writeModels } from './run-end.ts';
import { withRule } from './run-watcher.ts';
import { RunLog } from './run-log.ts';
import { note, Progress, valueText } from '../terminal.ts';

/** The folder of a run, and its inputs besides settings. */
export interface FolderRun {
  readonly out: string;
  /** The checkpoint to resume from. */
  readonly saved?: SftCheckpoint | undefined;
  /** The model that a new run continues. */
  readonly start?: WeighedStart | undefined;
  /** The pairs of the file that the run learns from; undefined for a rule world. */
  readonly given?: DataSet | undefined;
  /** The training data, where the settings alone do not define it. */
  readonly prepared?: PreparedSft | undefined;
  /** Adds to the card what the settings do not contain. */
  readonly describe?: ((card: ModelCard) => ModelCard) | undefined;
  /** Further entries of the model's lab.json. */
  readonly lab?: Pick<LabFile, 'otherScales' | 'examples'> | undefined;
  /** The file of vectors, if prompts show similarities. */
  readonly vectors?: Uint8Array | undefined;
  readonly dtype: StoredDtype;
  /** The rule by which it ends and its best checkpoint is kept; that of a resumed run is its own. */
  readonly watch?: RunWatch | null | undefined;
  /** The backend and the device, for the card. */
  readonly device: string;
  readonly signal: AbortSignal;
}

/** The path of the checkpoint in the folder of a run. */
export function checkpointPath(out: string): string {
  return join(out, 'checkpoint.safetensors');
}

/**
 * Trains on the current backend and writes the model.
 *
 * @returns the path of the model folder
 * @throws {LabError} `not-found` if the run learns from a file that was not given; what `runSft` throws
 */
export async function trainToFolder(experiment: SftExperiment, run: FolderRun): Promise<string> {
  const { out, saved, start, given, signal } = run;
  const findData = (data: FileData): Promise<DataSet> =>
    given === undefined ? Promise.reject(dataMissing(data)) : Promise.resolve(given);
  const prepared = run.prepared ?? (await prepareSft(experiment, { saved, start, findData, signal }));
  note(
    `${experiment.start?.name ?? experiment.preset}: ${countParameters(prepared.model).toLocaleString('en')} parameters, ` +
      `${prepared.examples.length.toLocaleString('en')} training pairs, data ${prepared.dataHash.slice(0, 12)}.`,
  );
  if (prepared.replayed > 0) {
    note(
      `${prepared.replayed.toLocaleString('en')} of them repeat what ${experiment.start?.name ?? ''} has learned before.`,
    );
  }
  if (prepared.traces !== undefined) note(describeTraces(prepared.traces));
  if (prepared.shortened > 0) note(`${prepared.shortened.toLocaleString('en')} of them were truncated to fit.`);

  const log = await RunLog.open(join(out, 'log.jsonl'), saved?.state.step ?? 0);
  const folder = new RunFolder(out);
  await folder.begin(saved?.state.step ?? 0, run.watch);
  const progress = new Progress('Steps');
  const save = async (checkpoint: SftCheckpoint): Promise<void> => {
    await folder.writeCheckpointBytes(describeSft(checkpoint), writeSftCheckpoint(checkpoint));
    if (signal.aborted) note(`Saved after ${checkpoint.state.step} updates; continue with --resume.`);
  };
  const hooks: RunHooks = {
    signal,
    evaluationSignal: signal,
    beforeUpdate: async ({ checkpoint }) => {
      if (signal.aborted) await save(await checkpoint());
    },
    onLog: (entry) => {
      progress.update(entry.step, experiment.sft.steps, `loss ${entry.lossNats.toFixed(3)} nats`);
      log.add(entry.step, entry);
    },
    onEvaluate: (step, evaluation) => {
      note(`Step ${step}: ${describeEvaluation(evaluation)}`);
      log.add(step, { heldOut: heldOutOf(evaluation) });
      folder.measured(step, recordedCompletions(prepared.rules, prepared.tokenizer, prepared.dev, evaluation.answers));
    },
  };
  const ended = await trainWatched<SftCheckpoint, EndedSft>(saved && { ...saved, experiment }, {
    train: async (onCheckpoint) => {
      return { ...(await runSft(experiment, prepared, saved, { ...hooks, onCheckpoint })), step: experiment.sft.steps };
    },
    keep: save,
    endsAt: (checkpoint) => folder.endsAt(describeSft(checkpoint)),
    finishedAt: endAt,
  });
  progress.end();
  noteEarlyEnd(ended, experiment.sft.steps);
  note(`Weights ${hashWeights(ended.weights)}.`);
  return writeModels(folder, ended, {
    endIn: (bytes) => endAt(readSftCheckpoint(bytes)),
    write: (path, end) => writeEnd(path, experiment, prepared, end, { ...run, watch: folder.watch }),
  });
}

/** What a run has come to, after some of its updates. */
type EndedSft = FinishedSft & RunEnd;

/** Writes a model folder. */
async function writeEnd(
  folder: string,
  experiment: SftExperiment,
  prepared: PreparedSft,
  ended: EndedSft,
  run: FolderRun & { readonly watch: RunWatch | null },
): Promise<void> {
  const { dtype, device, watch, describe = (card) => card } = run;
  const { dataHash, world, rules, model, tokenizer, examples, replayed, queries } = prepared;
  const { prompt } = experiment;
  await writeModelFolder(folder, {
    vectors: run.vectors ?? prepared.start?.vectors?.file,
    config: model,
    weights: ended.weights,
    dtype,
    tokenizer,
    lab:
      prepared.start?.lab ??
      (world === undefined
        ? { ...makeFileLabFile(rules, prompt, scaleIn(experiment)), ...run.lab }
        : makeLabFile(world, prompt)),
    card: withRule(
      describe(
        makeModelCard(experiment, {
          dataHash,
          model,
          start: prepared.start?.card,
          trainPairs: examples.length - replayed,
          queries,
          steps: ended.step,
          tokens: ended.tokens,
          curve: ended.curve,
          dtype,
          device,
          date: new Date().toISOString().slice(0, 10),
        }),
      ),
      watch,
    ),
  });
}

/** The scale of a run on a file; undefined for the usual one. */
function scaleIn({ data, prompt }: SftExperiment): LabelScale | undefined {
  return data.kind === 'file' ? namedScale(data.labels, prompt.scaleSize) : undefined;
}

/** The part of an evaluation that is logged. */
function heldOutOf({ pairs, labels, ranking, expertLossNats, reasoning }: Evaluation): object {
  return {
    pairs,
    accuracy: labels.accuracy.value,
    macroF1: labels.macroF1.value,
    pairAccuracy: ranking.pairAccuracy.value,
    ndcg10: ranking.ndcg10.value,
    expertLossNats,
    ...(reasoning === null ? {} : { validTraces: reasoning.validTraces, strictReward: reasoning.strictReward }),
  };
}

function describeEvaluation({ labels, ranking, expertLossNats, reasoning }: Evaluation): string {
  return (
    `held-out accuracy ${valueText(labels.accuracy.value)}, expert loss ${valueText(expertLossNats)} nats, ` +
    (reasoning === null
      ? `macro-F1 ${valueText(labels.macroF1.value)}, pair accuracy ${valueText(ranking.pairAccuracy.value)}, ` +
        `NDCG@10 ${valueText(ranking.ndcg10.value)}.`
      : `valid traces ${valueText(reasoning.validTraces)}, strict reward ${valueText(reasoning.strictReward)}.`)
  );
}

/** What the rules explain of the training pairs, as a sentence. */
export function describeTraces({ pairs, traced, contradicting, uncovered, unverified }: SynthesisCounts): string {
  return (
    `The rules give reasons for ${traced.toLocaleString('en')} of ${pairs.toLocaleString('en')} labels; they contradict ` +
    `${contradicting.toLocaleString('en')}, do not cover ${uncovered.toLocaleString('en')} and do not verify on ` +
    `${unverified.toLocaleString('en')}, which are learned as labels only.`
  );
}

/** The error for a run on a file that was not given. */
export function dataMissing({ name }: FileData): LabError {
  return new LabError('not-found', {
    message: `This run learns from the file "${name}".`,
    fix: 'Name it with --data, and its documents with --docs if they are in a separate file.',
  });
}
