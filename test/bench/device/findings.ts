/** What the benchmarks with peers have found, as figures of a device's report. */
import { countParameters } from '../../../src/config/model-config.ts';
import { MODEL_PRESETS, type PresetName } from '../../../src/config/presets.ts';
import type { Figure, Findings } from '../../../src/protocol/device-report.ts';
import type { AnswerResult } from '../answer-bench.ts';
import type { GenerateResults } from '../generate-bench.ts';
import type { GrpoResult } from '../grpo-bench.ts';
import type { ScoreResult } from '../score-bench.ts';
import { PEER_NAMES, type TrainResult } from '../train-contest.ts';
import { makeWork, stepFlops } from '../work.ts';

const PEERS = { ours: 'lab', composites: 'composites', tfjs: 'plain tfjs', jaxjs: 'jax-js' } as const;

function ratio(value: number | null, of: string): Figure[] {
  return value === null ? [] : [{ name: of, value, unit: 'times' }];
}

/** The step of each peer, and what share of the rate of products the lab's reaches. */
export function trainFindings(result: TrainResult, shape: string): Findings {
  const flops = stepFlops(makeWork({ shape }));
  const figures = PEER_NAMES.flatMap((name): Figure[] => {
    const peer = result[name];
    if (peer === undefined) return [];
    return [
      { name: `a step, ${PEERS[name]}`, value: peer.stepMs, unit: 'ms' },
      { name: `a step, ${PEERS[name]}`, value: peer.cpuMs, unit: 'CPU ms' },
      ...(peer.dispatches === null
        ? []
        : [{ name: `a step, ${PEERS[name]}`, value: peer.dispatches, unit: 'dispatches' as const }]),
      ...(peer.peakBytes === null
        ? []
        : [{ name: `peak, ${PEERS[name]}`, value: peer.peakBytes / 1e6, unit: 'MB' as const }]),
      { name: `products, ${PEERS[name]}`, value: flops / peer.stepMs / 1e6, unit: 'GFLOP/s', of: 'products' },
    ];
  });
  const compared = [
    ...ratio(result.ratio, 'tokens per second against the faster peer'),
    ...ratio(result.cpuRatio, 'processor time against the faster peer'),
  ];
  const remark = `${result.work}; losses differ by at most ${result.lossDifference.toExponential(1)} nats.`;
  return { figures: [...figures, ...compared], checks: [], remarks: [remark] };
}

export function scoreFindings({ work, ours, tfjs, ratio: times, cpuRatio, largestDifference }: ScoreResult): Findings {
  const figures = Object.entries({ lab: ours, 'plain tfjs': tfjs }).flatMap(([name, peer]): Figure[] =>
    peer === undefined
      ? []
      : [
          { name: `scored, ${name}`, value: peer.pairsPerSec, unit: 'pairs/s' },
          { name: `all pairs, ${name}`, value: peer.cpuMs, unit: 'CPU ms' },
        ],
  );
  return {
    figures: [
      ...figures,
      ...ratio(times, 'pairs per second against plain tfjs'),
      ...ratio(cpuRatio, 'processor time against plain tfjs'),
    ],
    checks: [],
    remarks: [`${work}; probabilities differ by at most ${largestDifference.toExponential(1)}.`],
  };
}

export function generateFindings(
  result: GenerateResults,
  { preset, samples, prompts }: { readonly preset: PresetName; readonly samples: number; readonly prompts: number },
): Findings {
  const { ours, tfjs, work, largestDifference } = result;
  // Each token reads all weights once for all rows, and multiplies by them.
  const parameters = countParameters(MODEL_PRESETS[preset]);
  const stepsPerSec = ours.tokensPerSec / (samples * prompts);
  const figures: Figure[] = [
    { name: 'generated, lab', value: ours.tokensPerSec, unit: 'tokens/s' },
    { name: 'generated, plain tfjs', value: tfjs.tokensPerSec, unit: 'tokens/s' },
    { name: 'linear maps, lab', value: (2 * parameters * ours.tokensPerSec) / 1e9, unit: 'GFLOP/s', of: 'products' },
    { name: 'weights read, lab', value: (4 * parameters * stepsPerSec) / 1e9, unit: 'GB/s', of: 'copies' },
    { name: 'dispatches of a run, lab', value: ours.dispatches, unit: 'dispatches' },
    ...ratio(result.ratio, 'tokens per second against plain tfjs'),
    ...ratio(result.cpuRatio, 'processor time against plain tfjs'),
  ];
  const remark = `${work}; log-probabilities differ by at most ${largestDifference.toExponential(1)} nats.`;
  return { figures, checks: [], remarks: [remark] };
}

export function grpoFindings({ work, ours, tfjs, ratio: times, cpuRatio, tokens }: GrpoResult): Findings {
  const { times: parts } = ours;
  const all = tokens.generated + tokens.learned + tokens.expert;
  // A token that is generated is read once; one that is learned also goes backward, which costs twice as much.
  const parameters = countParameters(MODEL_PRESETS['lab-nano']);
  const flops = 2 * parameters * (tokens.generated + 3 * (tokens.learned + tokens.expert));
  const figures: Figure[] = [
    { name: 'a step, lab', value: ours.stepMs, unit: 'ms' },
    { name: 'a step, lab', value: ours.stepCpuMs, unit: 'CPU ms' },
    { name: 'rollouts of it', value: parts.rollout, unit: 'ms' },
    { name: 'scores of it', value: parts.score, unit: 'ms' },
    { name: 'update of it', value: parts.update, unit: 'ms' },
    { name: 'tokens of a step', value: ours.tokensPerSec, unit: 'tokens/s' },
    { name: 'linear maps, lab', value: flops / ours.stepMs / 1e6, unit: 'GFLOP/s', of: 'products' },
    { name: 'dispatches of a step, lab', value: ours.dispatches, unit: 'dispatches' },
    { name: 'a step, plain tfjs', value: tfjs.stepMs, unit: 'ms' },
    ...ratio(times, 'tokens per second against plain tfjs'),
    ...ratio(cpuRatio, 'processor time against plain tfjs'),
  ];
  return { figures, checks: [], remarks: [`${work}; ${all.toFixed(0)} tokens a step.`] };
}

export function answerFindings(result: AnswerResult): Findings {
  const { predictedBytes, peakBytes } = result;
  const figures: Figure[] = [
    { name: 'memory, predicted', value: predictedBytes.total / 1e6, unit: 'MB' },
    { name: 'memory, peak', value: peakBytes / 1e6, unit: 'MB' },
    { name: 'reading the prompt', value: result.prefillMs, unit: 'ms' },
    { name: 'products of reading', value: result.prefillGflopPerSec, unit: 'GFLOP/s', of: 'products' },
    { name: 'generated', value: result.decodeTokensPerSec, unit: 'tokens/s' },
    { name: 'weights read in generating', value: result.decodeGBPerSec, unit: 'GB/s', of: 'copies' },
  ];
  return { figures, checks: [], remarks: [`${result.work}; random weights.`] };
}
