/**
 * A supervised run on disk: its log and checkpoints as it goes, its model folder at the end.
 */
import { join } from 'node:path';
import { LabError } from '../common/errors.ts';
import { countParameters } from '../config/model-config.ts';
import { makeFileLabFile, makeLabFile } from '../runs/lab-file.ts';
import type { StoredDtype } from '../config/stored.ts';
import { makeModelCard } from '../runs/sft-card.ts';
import { type SftCheckpoint, writeSftCheckpoint } from '../runs/sft-checkpoint.ts';
import { type PreparedSft, prepareSft } from '../runs/sft-experiment.ts';
import { runSft } from '../runs/sft-run.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { LabFile } from '../infer/lab-model.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import type { SynthesisCounts } from '../relevance/rules/trace-synthesis.ts';
import type { Evaluation } from '../train/evaluate.ts';
import { writeModelFolder } from './model-folder.ts';
import { writeWhole } from './outputs.ts';
import { RunLog } from './run-log.ts';
import { note, Progress, said } from './terminal.ts';

/** Where a run is kept, and what it needs besides its settings. */
export interface FolderRun {
  readonly out: string;
  /** To go on from. */
  readonly saved?: SftCheckpoint | undefined;
  /** The pairs of the file that the run learns from, if it does not learn from a rule world. */
  readonly given?: DataSet | undefined;
  /** What the run learns from, where settings alone do not say it. */
  readonly prepared?: PreparedSft | undefined;
  /** Says in the card what settings do not. */
  readonly describe?: ((card: ModelCard) => ModelCard) | undefined;
  /** What the model of a file knows or shows besides. */
  readonly lab?: Pick<LabFile, 'otherScales' | 'examples'> | undefined;
  readonly dtype: StoredDtype;
  /** The backend and the device, for the card. */
  readonly device: string;
  readonly signal: AbortSignal;
}

/** The checkpoint of the run in a folder. */
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
  const { out, saved, given, signal, describe = (card) => card } = run;
  const findData = (data: FileData): Promise<DataSet> =>
    given === undefined ? Promise.reject(dataMissing(data)) : Promise.resolve(given);
  const prepared = run.prepared ?? (await prepareSft(experiment, { saved, findData, signal }));
  note(
    `${experiment.preset}: ${countParameters(prepared.model).toLocaleString('en')} parameters, ` +
      `${prepared.examples.length.toLocaleString('en')} training pairs, data ${prepared.dataHash.slice(0, 12)}.`,
  );
  if (prepared.traces !== undefined) note(spokenTraces(prepared.traces));
  if (prepared.shortened > 0) note(`${prepared.shortened.toLocaleString('en')} of them were shortened to fit.`);

  const log = await RunLog.open(join(out, 'log.jsonl'), saved?.state.step ?? 0);
  const progress = new Progress('Steps');
  const save = async (checkpoint: SftCheckpoint): Promise<void> => {
    await writeWhole(checkpointPath(out), writeSftCheckpoint(checkpoint));
    if (signal.aborted) note(`Saved after ${checkpoint.state.step} updates; --resume goes on from there.`);
  };
  const finished = await runSft(experiment, prepared, saved, {
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
      note(`Step ${step}: ${spoken(evaluation)}`);
      log.add(step, { heldOut: heldOutOf(evaluation) });
    },
    onCheckpoint: save,
  });
  progress.end();
  note(`Weights ${hashWeights(finished.weights)}.`);

  const { dtype, device } = run;
  const { dataHash, world, rules, model, tokenizer, examples, queries } = prepared;
  const { prompt } = experiment;
  const folder = join(out, 'model');
  await writeModelFolder(folder, {
    config: model,
    weights: finished.weights,
    dtype,
    tokenizer,
    lab: world === undefined ? { ...makeFileLabFile(rules, prompt), ...run.lab } : makeLabFile(world, prompt),
    card: describe(
      makeModelCard(experiment, {
        dataHash,
        model,
        trainPairs: examples.length,
        queries,
        steps: experiment.sft.steps,
        tokens: finished.tokens,
        curve: finished.curve,
        dtype,
        device,
        date: new Date().toISOString().slice(0, 10),
      }),
    ),
  });
  return folder;
}

/** What the log keeps of an evaluation. */
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

function spoken({ labels, ranking, expertLossNats, reasoning }: Evaluation): string {
  return (
    `held-out accuracy ${said(labels.accuracy.value)}, expert loss ${said(expertLossNats)} nats, ` +
    (reasoning === null
      ? `macro-F1 ${said(labels.macroF1.value)}, pair accuracy ${said(ranking.pairAccuracy.value)}, ` +
        `NDCG@10 ${said(ranking.ndcg10.value)}.`
      : `valid traces ${said(reasoning.validTraces)}, strict reward ${said(reasoning.strictReward)}.`)
  );
}

/** What rules make of the pairs to learn from, in a sentence. */
export function spokenTraces({ pairs, traced, contradicting, uncovered, unverified }: SynthesisCounts): string {
  return (
    `The rules give reasons for ${traced.toLocaleString('en')} of ${pairs.toLocaleString('en')} labels; they contradict ` +
    `${contradicting.toLocaleString('en')}, do not cover ${uncovered.toLocaleString('en')} and do not verify on ` +
    `${unverified.toLocaleString('en')}, which are learned as labels alone.`
  );
}

/** A run that learns from a file, without the file. */
export function dataMissing({ name }: FileData): LabError {
  return new LabError('not-found', {
    message: `This run learns from the file "${name}".`,
    fix: 'Name it with --data, and its documents with --docs where they are apart.',
  });
}
