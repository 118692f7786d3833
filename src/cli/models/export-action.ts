/**
 * The action of `lab export`.
 */
import { join } from 'node:path';
import { EXTENSION, packCheckpoint } from '../../checkpoint/checkpoint-file.ts';
import { type CheckpointInfo, CheckpointInfoSchema, MAX_NAME_LENGTH } from '../../checkpoint/manifest.ts';
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { ALL_MODEL_FILES } from '../../infer/lab-model.ts';
import { packModel } from '../../runs/models/model-checkpoint.ts';
import { toFolderFiles } from '../../runs/models/model-files.ts';
import { readSftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { wholeFiles } from '../../runs/models/whole-files.ts';
import { describeModel, readModelFiles } from '../model-folder.ts';
import { checkOutputFile, checkOutputFolder, type OutputRules, writeOutput, writeTogether } from '../outputs.ts';
import { RunFolder } from '../runs/run-folder.ts';
import { print } from '../terminal.ts';

interface ExportOptions {
  readonly model: string;
  readonly run?: string;
  readonly out: string;
  readonly force?: boolean;
}

export async function exportModel({ model, run, out, force }: ExportOptions): Promise<void> {
  const isFile = out.toLowerCase().endsWith(EXTENSION);
  const rules = { inputs: [run ?? model], force };
  if (isFile) await checkOutputFile(out, rules);
  else await checkOutputFolder(out, ALL_MODEL_FILES, rules);
  if (run !== undefined) {
    if (!isFile) {
      throw new LabError('bad-config', {
        message: 'A run is exported as a file.',
        expected: `--out with a name that ends in ${EXTENSION}`,
        got: out,
        fix: `The model of a run is a folder already: ${join(run, 'model')}.`,
      });
    }
    await writeCheckpoint(out, rules, await packRun(run));
  } else {
    const files = await wholeFiles(await readModelFiles(model));
    if (isFile) await writeCheckpoint(out, rules, packModel(files, describeModel(files).card));
    else await writeTogether(out, toFolderFiles(files));
  }
  print(out);
}

interface Packed {
  readonly info: CheckpointInfo;
  readonly payload: Uint8Array<ArrayBuffer>;
}

async function writeCheckpoint(out: string, rules: OutputRules, { info, payload }: Packed): Promise<void> {
  await writeOutput(out, rules, await packCheckpoint(info, payload, Date.now()));
}

/** The checkpoint of a run in the form that the page imports. @throws {LabError} `not-found`, `bad-checkpoint` */
async function packRun(folder: string): Promise<Packed> {
  const bytes = await new RunFolder(folder).readCheckpointBytes();
  if (bytes === undefined) {
    throw new LabError('not-found', {
      message: `There is no checkpoint in ${folder}.`,
      expected: 'the folder of a run of "lab sft"',
      fix: 'Name the --out of that command.',
    });
  }
  const { experiment, dataHash, state } = readSftCheckpoint(bytes);
  const modelName = experiment.name.trim().slice(0, MAX_NAME_LENGTH) || 'model';
  const info = parseConfig('The manifest of the run', CheckpointInfoSchema, {
    name: `${modelName}, step ${state.step}`.slice(0, MAX_NAME_LENGTH),
    kind: 'sft',
    isAutomatic: false,
    runId: null,
    parentId: null,
    modelName,
    worldHash: dataHash,
    step: state.step,
    configJson: JSON.stringify(experiment),
  });
  return { info, payload: new Uint8Array(bytes) };
}
