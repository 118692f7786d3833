/**
 * The actions of `lab quantise` and `lab agreement`.
 */
import { basename } from 'node:path';
import { writeSafetensors } from '../../checkpoint/safetensors.ts';
import { LabError } from '../../common/errors.ts';
import type { AgreementResults, CopyAgreement } from '../../studies/judged/agreement-report.ts';
import { QUANTISATION_METHOD } from '../../config/model-config.ts';
import { type Answers, answersOf, compareCopies } from '../../studies/judged/measure-agreement.ts';
import { jsonBytes } from '../../runs/models/model-files.ts';
import {
  disposeLabModel,
  loadLabModel,
  ALL_MODEL_FILES,
  type ModelFileName,
  readLabModel,
  readModelJson,
} from '../../infer/lab-model.ts';
import type { ModelCard } from '../../infer/model-card.ts';
import {
  bytesOf,
  type Precision,
  quantiseWeights,
  readStoredWeights,
  toFileTensors,
  toFloats,
} from '../../model/stored-weights.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import { currentCommit } from '../current-commit.ts';
import { type HeldOut, heldOutPairs } from './held-out-pairs.ts';
import { wholeFiles } from '../../runs/models/whole-files.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { checkOutputFolder, writeTogether } from '../outputs.ts';
import { checkResults, writeResults } from '../results-files.ts';
import { note, print } from '../terminal.ts';

interface ComparisonOptions extends HeldOut {
  readonly pairs: number;
  readonly completions: number;
  readonly backend: BackendChoice;
}

interface QuantiseOptions extends ComparisonOptions {
  readonly model: string;
  readonly bits: 4 | 8;
  readonly out: string;
  readonly force?: boolean;
}

export async function quantiseModel({ model: folder, bits, out, force, ...options }: QuantiseOptions): Promise<void> {
  const { data = [], docs, queries } = options;
  await checkOutputFolder(out, ALL_MODEL_FILES, { inputs: [folder, ...data, docs, queries], force });
  const files = await wholeFiles(await readModelFiles(folder));
  const stored = readStoredWeights(files.get('model.safetensors') ?? new Uint8Array());
  if ([...stored.values()].some((tensor) => 'bits' in tensor)) {
    throw new LabError('bad-config', {
      message: `The matrices of ${folder} are quantised already.`,
      fix: 'Quantise the original model.',
    });
  }
  const precision = bits === 8 ? 'int8' : 'int4';
  const quantised = quantiseWeights(toFloats(stored), bits);
  const copyFiles = new Map(files)
    .set('model.safetensors', writeSafetensors(toFileTensors(quantised), new Map([['format', 'pt']])))
    .set('config.json', jsonBytes(quantisedConfig(files, bits)));
  const { card, pairs } = await comparedPairs(files, options);
  await openNodeBackend(options.backend);
  const original = await answersOfCopy(files, 'f32', pairs, options);
  const copy = await answersOfCopy(copyFiles, undefined, pairs, options);
  const found = compareCopies(pairs, original, copy, { precision, stored });
  print(summaryOf(found));

  const { sameLabel, meanScoreShift, maxScoreShift } = found;
  const quantisation = { from: card.name, pairs: pairs.length, sameLabel, meanScoreShift, maxScoreShift };
  const limits = [
    ...card.limits,
    'The measures are those of the original model; the agreement of this copy with it is listed separately.',
  ];
  copyFiles.set('card.json', jsonBytes({ ...card, dtype: precision, quantisation, limits } satisfies ModelCard));
  await writeTogether(out, copyFiles);
  note(`Wrote ${out}.`);
}

/** The `config.json` of a copy, which says how its weights are quantised. */
function quantisedConfig(files: ReadonlyMap<ModelFileName, Uint8Array>, bits: 4 | 8): Record<string, unknown> {
  const config = readModelJson(files, 'config.json') as Record<string, unknown>;
  return { ...config, quantization_config: { quant_method: QUANTISATION_METHOD, bits } };
}

const COMPARED_PRECISIONS = ['f16', 'int8', 'int4'] as const satisfies readonly Precision[];

interface AgreementOptions extends ComparisonOptions {
  readonly out: string;
  readonly force?: boolean;
}

export async function compareModels(folders: string[], { out, force, ...options }: AgreementOptions): Promise<void> {
  const inputs = [...folders, ...(options.data ?? []), options.docs, options.queries];
  await checkResults(out, 'quantisation', { inputs, force });
  const originals = [];
  for (const folder of folders) {
    const files = await wholeFiles(await readModelFiles(folder));
    originals.push({ folder, files, ...(await comparedPairs(files, options)) });
  }
  const { backend, device } = await openNodeBackend(options.backend);
  const models: AgreementResults['models'] = [];
  for (const { folder, files, card, pairs } of originals) {
    const stored = readStoredWeights(files.get('model.safetensors') ?? new Uint8Array());
    const original = await answersOfCopy(files, 'f32', pairs, options);
    const copies: CopyAgreement[] = [];
    for (const precision of COMPARED_PRECISIONS) {
      const answers = await answersOfCopy(files, precision, pairs, options);
      const found = compareCopies(pairs, original, answers, { precision, stored });
      note(`${card.name} as ${summaryOf(found)}`);
      copies.push(found);
    }
    models.push({
      name: card.name,
      folder,
      pairs: `${pairs.length} pairs of ${options.data === undefined ? 'the rule world' : options.data.map((path) => basename(path)).join(', ')}, ${options.split} split`,
      accuracy: original.scores.filter(({ label }, i) => label === pairs[i]?.label).length / pairs.length,
      fullBytes: bytesOf(stored, 'f32'),
      copies,
    });
  }
  const command = `npm run lab -- agreement ${folders.join(' ')} --pairs ${options.pairs} --completions ${options.completions}`;
  const results: AgreementResults = {
    id: 'quantisation',
    device: `${backend}, ${device}`,
    commit: currentCommit(),
    command,
    models,
  };
  print(`${await writeResults(out, results)}.md`);
}

/** The pairs that copies of a model are compared on. */
async function comparedPairs(
  files: ReadonlyMap<ModelFileName, Uint8Array>,
  options: ComparisonOptions,
): Promise<{ card: ModelCard; pairs: readonly JudgedPair[] }> {
  const model = readLabModel(files);
  const held = await heldOutPairs(model, options);
  return { card: model.card, pairs: held.slice(0, options.pairs).map(({ pair }) => pair) };
}

/** The answers of a copy of a model. */
async function answersOfCopy(
  files: ReadonlyMap<ModelFileName, Uint8Array>,
  precision: Precision | undefined,
  pairs: readonly JudgedPair[],
  { completions }: ComparisonOptions,
): Promise<Answers> {
  const model = await loadLabModel(files, precision);
  try {
    return await answersOf(model, pairs, completions);
  } finally {
    disposeLabModel(model);
  }
}

function summaryOf({ precision, sizeBytes, pairs, sameLabel, meanScoreShift, maxScoreShift }: CopyAgreement): string {
  return (
    `${precision}, ${(sizeBytes / 1e6).toFixed(2)} MB: the same label on ${((sameLabel.value ?? 0) * 100).toFixed(1)} % of ` +
    `${pairs} pairs; the score moves by ${meanScoreShift.toFixed(4)} of a label on average, ${maxScoreShift.toFixed(3)} at most.`
  );
}
