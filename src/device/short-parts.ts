/**
 * The parts of the short form, each measured in a thread that has computed nothing before, so that the first answer and
 * the first step are cold: no kernel is compiled but for what the browser's own cache of shaders has.
 *
 * Room `device/`: what is measured on one device, for the page and for `bench -- device`.
 */
import { Rng } from '../common/rng.ts';
import { countParameters } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import { measureVariants, usesGpuKernels, variantChoices } from '../gpu/dispatch.ts';
import type { OpenedBackend } from '../gpu/device.ts';
import { answerPair } from '../infer/answer.ts';
import { loadLabModel, type ModelFileName } from '../infer/lab-model.ts';
import { scorePrompts } from '../infer/score.ts';
import { disposeWeights, initialWeights, loadWeights } from '../model/weights.ts';
import type { Figure, Findings, PartOutcome, ShortPart } from '../protocol/device-report.ts';
import { describeDevice, type Machine } from './describe-device.ts';
import { rateFigures } from './rates.ts';
import { selfChecks } from './self-checks.ts';
import { STEP_WORKS, stepFigures } from './timed-steps.ts';

/** What a part needs from its surroundings. */
export interface PartSurroundings {
  readonly machine: Machine;
  /** Opens the backend and checks it. @throws {LabError} `no-backend` */
  readonly open: () => Promise<OpenedBackend>;
  /** The files of the model that answers. */
  readonly readModel: () => Promise<ReadonlyMap<ModelFileName, Uint8Array>>;
  /** Processor time of all threads so far, in milliseconds, where it can be known. */
  readonly cpuMs?: (() => Promise<number>) | undefined;
}

/** Measures one part on the backend that it opens. */
export async function measureShortPart(
  part: ShortPart,
  { machine, open, readModel, cpuMs }: PartSurroundings,
): Promise<PartOutcome> {
  const files = part === 'answer' ? await readModel() : undefined; // fetching is not the device's time
  const startMs = performance.now();
  const opened = await open();
  const openMs = performance.now() - startMs;
  const findings = await {
    answer: () => answer(openMs, files ?? new Map()),
    step: () => step(cpuMs),
    checks: async () => ({ figures: [], checks: await selfChecks(), remarks: [] }),
    rates: async () => ({ figures: await rateFigures(), checks: [], remarks: [] }),
    score,
  }[part]();
  return { device: describeDevice(opened, machine), findings, seconds: (performance.now() - startMs) / 1000 };
}

/** The model answers the first of its examples, cold and again. */
async function answer(openMs: number, files: ReadonlyMap<ModelFileName, Uint8Array>): Promise<Findings> {
  const startMs = performance.now();
  const model = await loadLabModel(files);
  const pair = model.examples[0]?.pair;
  if (pair === undefined) return { figures: [], checks: [], remarks: ['The model has no example to answer.'] };
  const timeToLabel = async (fromMs: number): Promise<number> => {
    let labelMs = NaN;
    await answerPair(model, pair, {
      emit: ({ kind }) => {
        if (kind === 'label') labelMs = performance.now() - fromMs;
      },
    });
    return labelMs;
  };
  const coldMs = await timeToLabel(startMs);
  const reasonedMs = performance.now() - startMs;
  const againMs = performance.now();
  const warmMs = await timeToLabel(againMs);
  const figures: Figure[] = [
    { name: 'opening and checking the backend', value: openMs, unit: 'ms' },
    { name: 'first answer, cold: its label', value: coldMs, unit: 'ms' },
    { name: 'first answer, cold: with its reasons', value: reasonedMs, unit: 'ms' },
    { name: 'second answer: its label', value: warmMs, unit: 'ms' },
    { name: 'second answer: with its reasons', value: performance.now() - againMs, unit: 'ms' },
  ];
  return { figures, checks: [], remarks: [`Answered by the model ${model.card.name}.`] };
}

async function step(cpuMs: PartSurroundings['cpuMs']): Promise<Findings> {
  const figures: Figure[] = [];
  for (const [i, work] of STEP_WORKS.entries()) figures.push(...(await stepFigures(work, i === 0, cpuMs)));
  if (!usesGpuKernels()) return { figures, checks: [], remarks: [] };
  const { tried, confirmed, chosen } = variantChoices();
  const kept = `${chosen.size} kernel shapes have variants: ${tried} were tried, ${confirmed} were kept from before.`;
  return { figures: [...figures, { name: 'shapes tried', value: tried, unit: 'trials' }], checks: [], remarks: [kept] };
}

const QUERIES = 8;
const DOCUMENTS = 32;
const [PREFIX, DOCUMENT] = [48, 48] as const;
const PASSES = 3;
const LABEL_IDS = [7, 8, 9, 10];

/** Documents of some queries by a model of the size of the bundled ones. */
async function score(): Promise<Findings> {
  const config = MODEL_PRESETS['lab-nano'];
  const rng = new Rng('device score');
  const some = (length: number): number[] => Array.from({ length }, () => rng.int(config.vocabSize));
  const prompts = Array.from({ length: QUERIES }, () => {
    const query = some(PREFIX);
    return Array.from({ length: DOCUMENTS }, () => Int32Array.from([...query, ...some(DOCUMENT)]));
  }).flat();
  const model = { config, weights: loadWeights(config, initialWeights(config, rng.fork('weights'))) };
  try {
    await scorePrompts(model, LABEL_IDS, prompts);
    await measureVariants();
    let leastMs = Infinity;
    for (let pass = 0; pass <= PASSES; pass++) {
      const startMs = performance.now();
      await scorePrompts(model, LABEL_IDS, prompts);
      if (pass > 0) leastMs = Math.min(leastMs, performance.now() - startMs); // the first compiles what was chosen
    }
    // A query is read once for all of its documents.
    const tokens = QUERIES * (PREFIX + DOCUMENTS * DOCUMENT);
    const { vocabSize: V, width: C } = config;
    const flops = 2 * (tokens * (countParameters(config) - V * C) + prompts.length * V * C);
    const name = `${QUERIES} queries x ${DOCUMENTS} documents, lab-nano`;
    return {
      figures: [
        { name: `${name}: scored`, value: (1000 * prompts.length) / leastMs, unit: 'pairs/s' },
        { name: `${name}: linear maps`, value: flops / leastMs / 1e6, unit: 'GFLOP/s', of: 'products' },
      ],
      checks: [],
      remarks: [],
    };
  } finally {
    disposeWeights(model.weights);
  }
}
