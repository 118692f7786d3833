/**
 * `bench generate --decoding`: completions of pairs of the rule world one by one, held and free, in one process and in
 * turns. A held one is made first, to see how many tokens it has; a free one then has as many. What is timed begins
 * with the pair, so that making its automaton counts. The weights are random: what is written does not matter.
 */
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import { note } from '../../src/cli/terminal.ts';
import { LabError } from '../../src/common/errors.ts';
import { Rng } from '../../src/common/rng.ts';
import type { DecodingKind } from '../../src/config/decoding.ts';
import { countParameters, type ModelConfig } from '../../src/config/model-config.ts';
import { MODEL_PRESETS } from '../../src/config/presets.ts';
import { encodePrompt } from '../../src/data/tokenizer/encode-prompt.ts';
import { generateAll } from '../../src/infer/generate.ts';
import { automataOf } from '../../src/infer/held/completion-holder.ts';
import { disposeWeights, initialWeights, loadWeights } from '../../src/model/weights.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { SftExperimentSchema } from '../../src/protocol/sft-experiment.ts';
import { EOS } from '../../src/relevance/pair/vocabulary.ts';
import { makeRuleWorld } from '../../src/relevance/world/rule-world.ts';
import { trainWorldTokenizer } from '../../src/runs/sft-experiment.ts';
import { openBenchBackends } from './backends.ts';
import type { GenerateBench } from './generate-bench.ts';
import { GpuTally } from './gpu-tally.ts';
import { median } from './median.ts';

/** The result, its last line with `--json`. */
export interface HeldResults {
  readonly work: string;
  readonly adapter: string;
  /** Milliseconds of all completions, medians over the runs, and processor time over all threads. */
  readonly held: Work;
  readonly free: Work;
  /**
   * Processor time of making the automata with all their states, as kernels need them; it is part of the held ones
   * there.
   */
  readonly automataMs: number;
  /** Of times: below 1 the held ones are faster. */
  readonly ratio: number;
  readonly cpuRatio: number;
}

interface Times {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Work extends Times {
  /** Compute dispatches of all completions; null in WebAssembly. */
  readonly dispatches: number | null;
}

/** Never drawn, so that a free completion has as many tokens as it may. */
const NO_EOS = -1;

/** @throws {LabError} `internal` if a held completion changes with its limit; `no-backend` */
export async function benchHeld({
  preset,
  prompts: count,
  tokens,
  promptLength,
  backend,
  adapter,
  repeats,
  decoding,
}: GenerateBench & {
  readonly adapter?: string;
  readonly decoding: Exclude<DecodingKind, 'free'>;
}): Promise<HeldResults> {
  const model: ModelConfig = { ...MODEL_PRESETS[preset], maxPositions: promptLength + tokens };
  const backends = await openBenchBackends(backend, adapter);
  const world = makeRuleWorld({ seed: 1 });
  const { prompt } = parseConfig('The prompts', SftExperimentSchema, {});
  const tokenizer = trainWorldTokenizer(world, { prompt }, model.vocabSize);
  const pairs = [...world.pairs('dev', 0, count)].slice(0, count);
  const { vocabSize: V, width: C, layers: L } = model;
  const size = `${countParameters(model).toLocaleString('en')} parameters`;
  const work = `${preset}, L=${L},C=${C},V=${V}, ${size}; ${pairs.length} pairs, one by one, up to ${tokens} tokens, ${decoding} against free`;
  note(`${work}\n${backends.adapter}`);

  const tally = backend === 'webgpu' ? new GpuTally() : undefined;
  await tf.setBackend(backends.ours.name);
  const own = { config: model, weights: loadWeights(model, initialWeights(model, new Rng('bench generate'))) };
  const eosId = tokenizer.idOf(EOS);
  const encoded = pairs.map((pair) => encodePrompt(tokenizer, pair, prompt, promptLength).ids);
  const held = { tokenizer, instruction: world.instruction, lexicon: world.lexicon };
  const hold = async (i: number, maxTokens: number): Promise<readonly number[]> => {
    const automata = automataOf(held, decoding, pairs.slice(i, i + 1));
    const [completion] = await generateAll(own, encoded.slice(i, i + 1), { eosId, maxTokens, automata });
    return completion?.ids ?? [];
  };
  const free = async (i: number, maxTokens: number): Promise<readonly number[]> => {
    const [completion] = await generateAll(own, encoded.slice(i, i + 1), { eosId: NO_EOS, maxTokens });
    return completion?.ids ?? [];
  };
  const lengths: number[] = [];
  for (const i of pairs.keys()) lengths.push((await hold(i, tokens)).length);
  for (const [i, length] of lengths.entries()) checkLength(length, [await hold(i, length), await free(i, length)]);

  const countDispatches = async (complete: typeof hold): Promise<number | null> => {
    const before = tally?.dispatches ?? 0;
    for (const [i, length] of lengths.entries()) await complete(i, length);
    return tally === undefined ? null : tally.dispatches - before;
  };
  const dispatches = { held: await countDispatches(hold), free: await countDispatches(free) };
  tally?.stop();
  const automata = await timed(lengths, (i) => {
    for (const automaton of automataOf(held, decoding, pairs.slice(i, i + 1)) ?? []) automaton.table();
    return Promise.resolve();
  });

  const times = { held: [] as Times[], free: [] as Times[] };
  for (let run = 0; run < repeats; run++) {
    times.held.push(await timed(lengths, hold));
    times.free.push(await timed(lengths, free));
    note(`Run ${run + 1}: held ${times.held.at(-1)?.ms.toFixed(0)} ms, free ${times.free.at(-1)?.ms.toFixed(0)} ms.`);
  }
  disposeWeights(own.weights);
  const [first, second] = [medianOf(times.held), medianOf(times.free)];
  return {
    work: `${work}; ${lengths.reduce((sum, length) => sum + length, 0)} tokens`,
    adapter: backends.adapter,
    held: { ...first, dispatches: dispatches.held },
    free: { ...second, dispatches: dispatches.free },
    automataMs: automata.cpuMs,
    ratio: Number((first.ms / second.ms).toFixed(3)),
    cpuRatio: Number((first.cpuMs / second.cpuMs).toFixed(3)),
  };
}

function checkLength(expected: number, completions: readonly (readonly number[])[]): void {
  const got = completions.map(({ length }) => length);
  if (got.every((length) => length === expected)) return;
  throw new LabError('internal', {
    message: 'The completions do not have as many tokens: this is other work.',
    expected: String(expected),
    got: got.join(' and '),
  });
}

async function timed(
  lengths: readonly number[],
  complete: (i: number, maxTokens: number) => Promise<unknown>,
): Promise<Times> {
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  for (const [i, length] of lengths.entries()) await complete(i, length);
  const { user, system } = process.cpuUsage(startCpu); // in microseconds
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

function medianOf(times: readonly Times[]): Times {
  return { ms: median(times.map(({ ms }) => ms)), cpuMs: median(times.map(({ cpuMs }) => cpuMs)) };
}

/** The result as text for people. */
export function heldReport({ work, adapter, held, free, automataMs, ratio, cpuRatio }: HeldResults): string[] {
  const line = (name: string, { ms, cpuMs, dispatches }: Work): string =>
    `${name}  ${ms.toFixed(0).padStart(7)} ms, ${cpuMs.toFixed(0)} of processor time` +
    (dispatches === null ? '' : `, ${dispatches} dispatches`);
  return [
    work,
    adapter,
    '',
    line('held', held),
    line('free', free),
    '',
    `held / free: ${ratio}, by processor time ${cpuRatio}; automata with all their states ${automataMs.toFixed(0)} ms`,
  ];
}
