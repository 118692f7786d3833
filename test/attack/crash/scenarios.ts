/**
 * Commands that are killed: how each is begun and continued, which of its files have to end with the same bytes, and
 * what is never left half written.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packCheckpoint } from '../../../src/checkpoint/checkpoint-file.ts';
import { packFiles, unpackFiles } from '../../../src/checkpoint/packed-files.ts';
import { readSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { MODEL_FILES, readLabModel } from '../../../src/infer/lab-model.ts';
import { readRunFile } from '../../../src/runs/run-file.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

export interface Scenario {
  readonly name: string;
  /** The script that is killed, and its arguments for a folder; `isAgain` if it was begun there before. */
  readonly command: (folder: string, isAgain: boolean) => readonly string[];
  /** Files of the folder that say the same however often the command was killed; `compare` picks what they say. */
  readonly results: readonly string[];
  readonly compare?: (name: string, bytes: Buffer) => unknown;
  /** Inputs in the folder, which nothing may change. */
  readonly inputs: readonly string[];
  readonly prepare: (folder: string) => void;
}

const LAB = 'src/cli/main.ts';
const TINY_EXPERIMENT = fileURLToPath(new URL('tiny-experiment.ts', import.meta.url));
const MODEL_INPUTS = MODEL_FILES.map((name) => `start/${name}`);
const WASM = ['--backend', 'wasm'];

const FILES = smallModelFiles();

function writeModel(folder: string): void {
  mkdirSync(join(folder, 'start'), { recursive: true });
  for (const [name, bytes] of FILES) writeFileSync(join(folder, 'start', name), bytes);
}

function withSettings(settings: object): (folder: string) => void {
  return (folder) => {
    writeModel(folder);
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  };
}

/** The lines of a log without times, which differ. */
function untimed(name: string, bytes: Buffer): unknown {
  const texts = name.endsWith('.jsonl') ? bytes.toString().split('\n') : [bytes.toString()];
  const lines = texts.filter((text) => text !== '');
  return lines.map((line) =>
    JSON.stringify(JSON.parse(line), (key, value: unknown) =>
      /(?:Ms|PerSec)$|^(?:at|commit)$/u.test(key) ? 0 : value,
    ),
  );
}

const DATA = { kind: 'world', trainQueries: 12, devQueries: 4, testQueries: 4 };
const SFT = {
  preset: 'lab-nano',
  data: DATA,
  sft: { steps: 3, batchSize: 2, warmupSteps: 0, evaluateEvery: 2, checkpointEvery: 1, logEvery: 1 },
  devPairs: 2,
};
const GRPO = {
  data: DATA,
  queries: 4,
  probePrompts: 2,
  devPairs: 2,
  grpo: { steps: 3, prompts: 2, samples: 2, maxTokens: 4, expertBatch: 2, evaluateEvery: 2, checkpointEvery: 1 },
};
/** `lab distill` reads no settings file. */
const DISTILL = [
  '--teacher @start --method label-kd --queries 4 --steps 3 --batch 8 --set world.trainQueries=12 --set world.devQueries=4',
  '--set world.testQueries=4 --set devPairs=2 --set distill.checkpointEvery=1 --set distill.evaluateEvery=2',
].flatMap((options) => options.split(' '));

/** Whether there is anything to resume; where nothing was written the command asks to be begun without. */
function isBegun(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => !name.endsWith('.part'));
}

/** @param settings - of `--config`; null for a command without it */
function training(name: string, settings: object | null, start: readonly string[]): Scenario {
  return {
    name,
    prepare: settings === null ? writeModel : withSettings(settings),
    command: (folder, isAgain) => [
      LAB, name, '--out', join(folder, 'out'), ...start.map((arg) => arg.replace('@', `${folder}/`)), ...WASM,
      ...(settings === null ? [] : ['--config', join(folder, 'settings.json')]), ...(isAgain && isBegun(join(folder, 'out')) ? ['--resume'] : []),
    ], // prettier-ignore
    results: ['out/model/model.safetensors', name === 'grpo' ? 'out/steps.jsonl' : 'out/log.jsonl'],
    compare: (file, bytes) => (file.endsWith('.jsonl') ? untimed(file, bytes) : bytes.toString('base64')),
    inputs: [...MODEL_INPUTS, ...(settings === null ? [] : ['settings.json'])],
  };
}

const sweep: Scenario = {
  name: 'sweep',
  prepare: withSettings({ ...SFT, sft: { ...SFT.sft, steps: 2 } }),
  command: (folder) => [
    LAB, 'sweep', 'sft', '--set', 'sft.learningRate=0.001,0.002', '--seeds', '1', '--out', join(folder, 'out'),
    '--', '--config', join(folder, 'settings.json'), ...WASM,
  ], // prettier-ignore
  results: ['learningRate-0.001_seed-1', 'learningRate-0.002_seed-1'].map(
    (run) => `out/${run}/model/model.safetensors`,
  ),
  inputs: [...MODEL_INPUTS, 'settings.json'],
};

const experiment: Scenario = {
  name: 'experiment',
  prepare: (folder) => {
    writeModel(folder);
    for (const seed of ['seed-1', 'seed-2']) {
      const model = join(folder, 'out', 'starts', seed, 'model');
      mkdirSync(model, { recursive: true });
      for (const [name, bytes] of FILES) writeFileSync(join(model, name), bytes);
    }
  },
  command: (folder) => [TINY_EXPERIMENT, folder],
  results: ['E1.json'],
  compare: untimed,
  inputs: MODEL_INPUTS,
};

const score: Scenario = {
  name: 'score',
  prepare: (folder) => {
    writeModel(folder);
    const rows = Array.from({ length: 700 }, (_, i) => `query ${i % 40},kettle ${i} no ${i % 7},d${i},${i % 4}`);
    writeFileSync(join(folder, 'pairs.csv'), ['query,title,docId,grade', ...rows].join('\n'));
  },
  command: (folder) => [
    LAB, 'score', join(folder, 'pairs.csv'), '--out', join(folder, 'scored.csv'), '--model', join(folder, 'start'), ...WASM,
    ...(existsSync(join(folder, 'scored.csv.part.journal')) ? ['--resume'] : ['--force']),
  ], // prettier-ignore
  results: ['scored.csv'],
  inputs: [...MODEL_INPUTS, 'pairs.csv'],
};

const exported: Scenario = {
  name: 'export',
  prepare: writeModel,
  command: (folder) => [
    LAB,
    'export',
    '--model',
    join(folder, 'start'),
    '--out',
    join(folder, 'x.afrl-checkpoint'),
    '--force',
  ],
  results: ['x.afrl-checkpoint'],
  // Its id and its date differ from one export to the next.
  compare: (_, bytes) => payloadOf(bytes).toString('base64'),
  inputs: MODEL_INPUTS,
};

const quantised: Scenario = {
  name: 'quantise',
  prepare: writeModel,
  command: (folder) => [
    LAB,
    'quantise',
    '--model',
    join(folder, 'start'),
    '--out',
    join(folder, 'small'),
    '--force',
    '--pairs',
    '2',
    '--completions',
    '0',
    ...WASM,
  ],
  results: ['small/model.safetensors', 'small/config.json'],
  inputs: MODEL_INPUTS,
};

/** A checkpoint file, as the page exports it, becomes a model folder. */
const imported: Scenario = {
  name: 'import',
  prepare: (folder) => {
    writeFileSync(join(folder, 'x.afrl-checkpoint'), IMPORTED);
  },
  command: (folder) => [
    LAB,
    'export',
    '--model',
    join(folder, 'x.afrl-checkpoint'),
    '--out',
    join(folder, 'out/model'),
    '--force',
  ],
  results: ['out/model/model.safetensors', 'out/model/lab.json'],
  inputs: ['x.afrl-checkpoint'],
};
const INFO = { name: 'x', note: '', kind: 'model', isAutomatic: false, runId: null, parentId: null, modelName: 'x', worldHash: '', step: 0, configJson: '{}' }; // prettier-ignore
const IMPORTED = Buffer.concat(await packCheckpoint(INFO, packFiles(Object.fromEntries(FILES)), 1_700_000_000_000));

function payloadOf(file: Buffer): Buffer {
  return file.subarray(80 + file.readUInt32LE(12));
}

export const NODE_SCENARIOS: readonly Scenario[] = [
  training('sft', SFT, []),
  training('grpo', GRPO, ['--start', '@start']),
  training('distill', null, DISTILL),
  sweep,
  experiment,
  score,
  exported,
  imported,
  quantised,
];

/** Why a file with its final name is not whole; undefined if it is. A file under a temporary name may be half. */
export function problemOf(path: string, folder: string): string | undefined {
  const bytes = readFileSync(path);
  try {
    if (path.endsWith('checkpoint.safetensors')) readRunFile(bytes, (metadata) => metadata);
    else if (path.endsWith('.safetensors')) readSafetensors(bytes);
    else if (path.endsWith('.json')) JSON.parse(bytes.toString());
    else if (path.endsWith('.afrl-checkpoint')) unpackFiles(payloadOf(bytes), MODEL_FILES);
    else if (path.endsWith('scored.csv') && bytes.toString().trimEnd().split('\n').length !== 701) return 'lacks rows';
    const model = MODEL_FILES.map((name) => [name, join(path, '..', name)] as const);
    if (path.endsWith('model.safetensors') && path.startsWith(join(folder, 'out'))) {
      readLabModel(new Map(model.map(([name, at]) => [name, readFileSync(at)])));
    }
    return undefined;
  } catch (thrown) {
    return `${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}
