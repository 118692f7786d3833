/**
 * The parts of `bench -- device`: those of the page's short form, and what compares with double precision and with peers.
 * Each runs in a process or page of its own, in Node and in Chromium.
 */
import * as tf from '@tensorflow/tfjs';
import { type LabErrorCode, LabError, messageOf } from '../../../src/common/errors.ts';
import { describeDevice } from '../../../src/device/describe-device.ts';
import { measureShortPart } from '../../../src/device/short-parts.ts';
import { type BackendHealth, watchBackend } from '../../../src/gpu/current-backend.ts';
import { type Findings, type PartName, type PartOutcome, SHORT_PARTS } from '../../../src/protocol/device-report.ts';
import { benchAnswer } from '../answer-bench.ts';
import type { BenchBackend } from '../backend-pair.ts';
import { benchGenerate } from '../generate-bench.ts';
import { benchGrpo } from '../grpo-bench.ts';
import { benchScore } from '../score-bench.ts';
import type { Surroundings } from '../surroundings.ts';
import { runContest } from '../train-contest.ts';
import { WORK_A } from '../work.ts';
import { answerFindings, generateFindings, grpoFindings, scoreFindings, trainFindings } from './findings.ts';
import { judgeOps } from './parity.ts';

/** A part that was measured, or why not. */
export type PartResult =
  | { readonly outcome: PartOutcome }
  | { readonly skipped: string }
  | { readonly failed: string; readonly code: LabErrorCode | undefined };

/** The larger step: 21 M parameters, 2,048 tokens. */
const LARGE_WORK = 'L=6,C=512,H=8,K=8,D=64,F=1408,V=8192,B=8,T=256';

/** Measures a part. Never throws: what fails is a result too. */
export async function measurePart(part: PartName, backend: BenchBackend, given: Surroundings): Promise<PartResult> {
  if (part.startsWith('large-') && backend !== 'webgpu') {
    return {
      skipped: 'Matrices stay compressed on a GPU alone, and in f32 the model exceeds the memory of WebAssembly.',
    };
  }
  const { machine, openLab, openBackends, readModel, cpuMs } = given;
  let health: BackendHealth | undefined;
  let adapter = '';
  const surroundings: Surroundings = {
    ...given,
    openBackends: async (name) => {
      const opened = await openBackends(name);
      health = watchBackend();
      adapter = opened.adapter;
      return opened;
    },
  };
  try {
    const short = part === 'step-again' ? 'step' : SHORT_PARTS.find((name) => name === part);
    if (short !== undefined) {
      const open = (): ReturnType<typeof openLab> => openLab(backend);
      return {
        outcome: await measureShortPart(short, { machine, open, readModel: () => readModel('general'), cpuMs }),
      };
    }
    const startMs = performance.now();
    if (part === 'parity') adapter = (await openLab(backend)).device;
    const findings = await MEASURES[part as PeerPart](backend, surroundings);
    await tf.setBackend(backend);
    const device = describeDevice({ backend, device: adapter, reason: '', problems: [], rates: undefined }, machine);
    return { outcome: { device, findings, seconds: (performance.now() - startMs) / 1000 } };
  } catch (thrown) {
    const fault = health?.fault;
    if (fault?.kind === 'out-of-memory') return { skipped: `It does not fit into the memory: ${fault.message}` };
    const code = thrown instanceof LabError ? thrown.code : undefined;
    return { failed: fault === undefined ? messageOf(thrown) : `${messageOf(thrown)} (${fault.message})`, code };
  }
}

type PeerPart = Exclude<PartName, (typeof SHORT_PARTS)[number] | 'step-again'>;

const MEASURES: Readonly<Record<PeerPart, (backend: BenchBackend, given: Surroundings) => Promise<Findings>>> = {
  parity: async () => ({ figures: [], checks: await judgeOps(), remarks: [] }),
  train: (backend, given) => train(WORK_A, 5, backend, given),
  'train-large': (backend, given) => train(LARGE_WORK, 3, backend, given),
  'score-peers': async (backend, given) => {
    const sizes = { preset: 'micro', queries: 4, documents: 32, prefix: 64, document: 64, repeats: 2 } as const;
    return scoreFindings(await benchScore({ ...sizes, backend, peers: ['ours', 'tfjs'] }, given));
  },
  generate: async (backend, given) => {
    const sizes = { preset: 'micro', prompts: 8, samples: 8, tokens: 32, promptLength: 48, repeats: 2 } as const;
    return generateFindings(await benchGenerate({ ...sizes, backend }, given), sizes);
  },
  grpo: async (backend, given) => {
    const sizes = { preset: 'lab-nano', prompts: 16, samples: 8, maxTokens: 32, repeats: 3, warmUp: 2 } as const;
    return grpoFindings(await benchGrpo({ ...sizes, backend }, given));
  },
  'large-int4': (_, given) => answer('int4', given),
  'large-f16': (_, given) => answer('f16', given),
};

async function train(
  shape: string,
  repeats: number,
  backend: BenchBackend,
  surroundings: Surroundings,
): Promise<Findings> {
  const peers = ['ours', 'tfjs', 'jaxjs'] as const;
  const contest = { work: { shape }, backend, peers, repeats, warmUp: 2, products: false, precision: 'f32' } as const;
  return trainFindings((await runContest(contest, surroundings)).result, shape);
}

async function answer(precision: 'int4' | 'f16', surroundings: Surroundings): Promise<Findings> {
  const shape = { shape: 'qwen3-0.6b', precision, prompt: 128, tokens: 16 } as const;
  return answerFindings(await benchAnswer(shape, surroundings));
}
