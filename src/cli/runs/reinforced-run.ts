/**
 * A GRPO run on disk: steps and checkpoints during the run, a model folder at its end.
 */
import type { DataSet } from '../../data/files/data-set.ts';
import { keepQueries, mergeQueries } from '../../data/trained-queries.ts';
import { type GrpoCheckpoint, readGrpoCheckpoint } from '../../runs/grpo-checkpoint.ts';
import { collapseSince } from '../../runs/grpo-measure.ts';
import { type FinishedGrpo, type GrpoHooks, runGrpo } from '../../runs/grpo-run.ts';
import { type PreparedGrpo, prepareGrpo } from '../../runs/grpo-task.ts';
import { makeFileLabFile, makeLabFile, plainScale } from '../../runs/models/lab-file.ts';
import { describePasses, PassCountsSchema, withPassRates } from '../../runs/pass-rates.ts';
import { describeGrpo } from '../../runs/run-summary.ts';
import { trainWatched } from '../../runs/run-watch.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import type { GrpoExperiment } from '../../protocol/grpo-experiment.ts';
import type { RunWatch } from '../../protocol/tracked-run.ts';
import { rewardName } from '../../relevance/rules/reward.ts';
import type { GrpoStep } from '../../train/grpo-telemetry.ts';
import { sampledGroups } from '../../sessions/grpo-events.ts';
import type { RewardJudge } from '../../train/rollouts.ts';
import { coefficientAtStart, recordingHeader, RunRecorder } from './run-recorder.ts';
import { endAt, noteEarlyEnd, type RunEnd, writeModels } from './run-end.ts';
import { withRule } from './run-watcher.ts';
import { measuredOnce } from './read-files.ts';
import { RunFolder } from './run-folder.ts';
import { writeModelFolder } from '../model-folder.ts';
import type { NamedStart } from './start-model.ts';
import { dataMissing, describeTraces } from './supervised-run.ts';
import { note, Progress, valueText, describeStep } from '../terminal.ts';

/** The folder of a run, and its inputs besides settings and start. */
export interface ReinforcedFolder {
  readonly out: string;
  /** The checkpoint to resume from. */
  readonly saved?: GrpoCheckpoint | undefined;
  /** The pairs of the file that the run learns from; undefined for a rule world. */
  readonly given?: DataSet | undefined;
  /** Runs the module of its reward. */
  readonly judge?: RewardJudge | undefined;
  /** The backend and the device, for the card. */
  readonly device: string;
  /** The folder of the start, for the card. */
  readonly startFolder: string;
  /** The file to record the run in. */
  readonly record?: string | undefined;
  /** The rule by which it ends and its best checkpoint is kept; that of a resumed run is its own. */
  readonly watch?: RunWatch | null | undefined;
  readonly signal: AbortSignal;
}

/**
 * Trains on the current backend and writes the model.
 *
 * @returns the path of the model folder
 * @throws {LabError} `not-found` if the run learns from a file that was not given; what `runGrpo` throws
 */
export async function reinforceToFolder(
  experiment: GrpoExperiment,
  start: NamedStart,
  run: ReinforcedFolder,
): Promise<string> {
  const { out, saved, signal, record: recordPath } = run;
  const folder = new RunFolder(out);
  const prepared = await prepare(experiment, start, run);
  note(`${prepared.task.prompts.length.toLocaleString('en')} prompts, data ${prepared.dataHash.slice(0, 12)}.`);
  if (prepared.traces !== undefined) note(describeTraces(prepared.traces));
  const records: GrpoStep[] = saved === undefined ? [] : await folder.readRecords(saved.state.step);
  // Steps recorded after the checkpoint are dropped, because they are repeated.
  await folder.begin(saved?.state.step ?? 0, run.watch);
  if (saved !== undefined) await folder.writeCheckpoint({ ...saved, experiment }, records);
  const recorder = recordPath === undefined ? undefined : await RunRecorder.open(out, saved);
  const progress = new Progress('Steps');
  const hooks: GrpoHooks = {
    signal,
    onStep: (record) => {
      records.push(record);
      progress.update(record.step, experiment.grpo.steps, describeStep(record));
    },
    onKeep: (step, groups) => recorder?.addGroups(step, sampledGroups(prepared.task, groups)),
    onMeasure: (point) => {
      folder.measured(point.step, point.completions);
      recorder?.addMeasurement(point, records.at(-1)?.balance.coefficient ?? coefficientAtStart(experiment));
      const { probe, heldOut } = point.measures;
      note(
        `Step ${point.step}: reward ${probe.reward.toFixed(3)}, held-out accuracy ${valueText(heldOut.accuracy)}, tail recall ` +
          `${valueText(heldOut.tailRecall)}, ${heldOut.distinctRules} rules cited, label entropy ` +
          `${probe.labelEntropyNats.toFixed(3)} nats.`,
      );
    },
    onStop: async (checkpoint) => {
      await folder.writeCheckpoint(checkpoint, records);
      note(`Saved after ${checkpoint.state.step} steps; continue with --resume.`);
    },
  };
  const { steps } = experiment.grpo;
  const ended = await trainWatched<GrpoCheckpoint, EndedGrpo>(saved && { ...saved, experiment }, {
    train: async (onCheckpoint) => {
      return { ...(await runGrpo(experiment, prepared, start, saved, { ...hooks, onCheckpoint })), step: steps };
    },
    keep: (checkpoint) => folder.writeCheckpoint(checkpoint, records),
    endsAt: (checkpoint) => folder.endsAt(describeGrpo(checkpoint)),
    finishedAt: endAt,
  });
  progress.end();
  noteEarlyEnd(ended, steps);
  note(verdictOn(ended));
  if (recorder !== undefined && recordPath !== undefined) {
    await recorder.write(recordPath, recordingHeader(experiment, start, prepared, run.device));
    note(`Recorded in ${recordPath}.`);
  }
  return writeModels(folder, ended, {
    endIn: (bytes) => endAt(readGrpoCheckpoint(bytes)),
    write: (path, end) => writeModel(path, folder.watch, experiment, start, prepared, end, run),
  });
}

/** What a run has come to, after some of its steps. */
type EndedGrpo = FinishedGrpo & RunEnd;

/** The data of a run, with its pass rates if it has any; those are stored in the folder of the run. */
async function prepare(
  experiment: GrpoExperiment,
  start: NamedStart,
  { out, given, judge, signal }: ReinforcedFolder,
): Promise<PreparedGrpo> {
  const bare = await prepareGrpo(experiment, start, {
    findData: (data) => (given === undefined ? Promise.reject(dataMissing(data)) : Promise.resolve(given)),
    judge,
    signal,
  });
  const progress = new Progress('Pass rates');
  const prepared = await withPassRates(experiment, bare, start, {
    signal,
    onProgress: (done, total) => progress.update(done, total),
    keep: (name, measure) => measuredOnce(out, name, PassCountsSchema, measure),
  });
  progress.end();
  if (prepared.passes !== undefined) note(describePasses(prepared.passes));
  return prepared;
}

async function writeModel(
  path: string,
  watch: RunWatch | null,
  experiment: GrpoExperiment,
  start: NamedStart,
  prepared: PreparedGrpo,
  ended: EndedGrpo,
  { out, device, startFolder }: ReinforcedFolder,
): Promise<void> {
  const { card } = start;
  const { generated, learned, expert } = ended.tokens;
  const { task } = prepared;
  const asked = keepQueries(task.prompts.map(({ pair }) => pair.query));
  const queries = experiment.data.kind === 'file' ? { queries: mergeQueries(card.data.queries, asked) } : {};
  const reinforced: ModelCard = {
    ...card,
    name: experiment.name,
    dtype: 'f16',
    data: { ...card.data, trainPairs: task.prompts.length, ...queries },
    training: {
      command: `npm run lab -- grpo --start ${startFolder} --config config.json --out ${out}`,
      seed: experiment.grpo.seed,
      steps: ended.step,
      tokens: learned + expert,
      device,
      date: new Date().toISOString().slice(0, 10),
    },
    evaluation: null,
    curve: [],
    limits: [
      `Trained on from ${card.name} by reinforcement: ${generated.toLocaleString('en')} tokens sampled, reward ` +
        `"${rewardName(experiment.reward)}".`,
      ...card.limits,
    ],
  };
  const { world, rules } = prepared;
  await writeModelFolder(path, {
    config: start.config,
    weights: ended.weights,
    dtype: 'f16',
    tokenizer: start.tokenizer,
    lab:
      world === undefined
        ? {
            ...makeFileLabFile(rules, start.prompt, start.scale),
            otherScales: start.otherScales.map(plainScale),
          }
        : makeLabFile(world, start.prompt),
    card: withRule(reinforced, watch),
    vectors: start.vectors?.file,
  });
}

function verdictOn({ curve }: FinishedGrpo): string {
  const [first, last] = [curve[0]?.measures, curve.at(-1)?.measures];
  if (first === undefined || last === undefined) return 'Nothing was measured.';
  const { isCollapsed, rewardGain, tailRecallLoss, distinctRulesLoss } = collapseSince(first, last);
  return (
    `${isCollapsed ? 'The model has collapsed' : 'No collapse'}: reward ${rewardGain >= 0 ? '+' : ''}${rewardGain.toFixed(3)}, ` +
    `tail recall lost ${valueText(tailRecallLoss)}, distinct rules lost ${(100 * distinctRulesLoss).toFixed(0)} %.`
  );
}
