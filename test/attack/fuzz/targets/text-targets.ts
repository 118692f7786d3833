/** Texts that people write: instructions, completions, settings, addresses, and the tokenizer. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import type { Rng } from '../../../../src/common/rng.ts';
import { DistillConfigSchema } from '../../../../src/config/distill-config.ts';
import { GrpoConfigSchema } from '../../../../src/config/grpo-config.ts';
import { fromHuggingFaceConfig, ModelConfigSchema, toHuggingFaceConfig } from '../../../../src/config/model-config.ts';
import { parseConfig } from '../../../../src/config/parse.ts';
import { settingFields } from '../../../../src/config/setting-fields.ts';
import { readSetting, typedSetting, withSetting } from '../../../../src/config/setting-values.ts';
import { SftConfigSchema } from '../../../../src/config/sft-config.ts';
import { parseSeeds, parseSweptSetting } from '../../../../src/config/swept-settings.ts';
import { LabTokenizer } from '../../../../src/data/tokenizer/tokenizer.ts';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { DistillExperimentSchema } from '../../../../src/protocol/distill-experiment.ts';
import { GrpoExperimentSchema } from '../../../../src/protocol/grpo-experiment.ts';
import { parseSftExperiment, SftExperimentSchema } from '../../../../src/protocol/sft-experiment.ts';
import { EOS, SPECIAL_TOKENS } from '../../../../src/relevance/pair/vocabulary.ts';
import { printInstruction, readInstruction } from '../../../../src/relevance/rules/instruction-text.ts';
import { instructionToJson, parseInstruction, type Instruction } from '../../../../src/relevance/rules/instruction.ts';
import { special, type Segment, words } from '../../../../src/relevance/trace/segments.ts';
import { parseTrace, printTrace, COMPLETION_ORDERS } from '../../../../src/relevance/trace/trace.ts';
import {
  checkpointIn,
  comparedIn,
  fileAddress,
  fileIn,
  lambdaIn,
  lessonIn,
  modelIn,
  pairIn,
  routeOf,
  runsAddress,
  runsIn,
  scoreAddress,
} from '../../../../src/ui/parts/routes.ts';
import { anyInstruction } from '../../../unit/relevance/rules/some-instructions.ts';
import { someOf } from '../from-schema.ts';
import { mutateJson, mutateText, someText } from '../mutations.ts';
import { expectJsonRoundTrip, expectSame, type Target, target, Wrong } from '../target.ts';

const someInstruction = (rng: Rng): Instruction =>
  fc.sample(anyInstruction, { seed: rng.uint32() | 0, numRuns: 1 })[0] as Instruction;

const instructionText = target(
  'instructions as text',
  (rng) => {
    const text = printInstruction(someInstruction(rng));
    return rng.chance(0.2) ? text : mutateText(text, rng);
  },
  (text) => {
    const read = readInstruction(text);
    expectSame('an instruction, printed and read', readInstruction(printInstruction(read)), read);
    expectJsonRoundTrip('an instruction', read, parseInstruction);
  },
);

const instructionJson = target(
  'instructions as JSON',
  (rng) => mutateJson(JSON.parse(instructionToJson(someInstruction(rng))), rng),
  (value) => {
    const read = parseInstruction(value);
    expectJsonRoundTrip('an instruction', read, parseInstruction);
    expectSame('an instruction, printed and read', readInstruction(printInstruction(read)), read);
  },
);

const trace = target(
  'completions',
  (rng) => ({
    segments: Array.from({ length: rng.int(20) }, (): Segment =>
      rng.chance(0.7) ? special(rng.pick(rng.chance(0.2) ? [EOS] : SPECIAL_TOKENS)) : words(someText(rng, 3)),
    ),
    order: rng.pick(COMPLETION_ORDERS),
    scaleSize: rng.chance(0.5) ? undefined : 2 + rng.int(5),
  }),
  ({ segments, order, scaleSize }) => {
    const parsed = parseTrace(segments, scaleSize, order);
    if (!parsed.ok) return;
    const again = parseTrace(printTrace(parsed.trace, order), scaleSize, order);
    expectSame('a completion, printed and parsed', again.ok ? again.trace : again, parsed.trace);
  },
);

const TOKENIZER = trainBpe(['red kettle 1.5 l', 'garden hose größe', 'a lamp for kettles'], {
  vocabSize: SPECIAL_TOKENS.length + 280,
  specialTokens: SPECIAL_TOKENS,
});
const readTokenizer = LabTokenizer.fromJson(TOKENIZER);

const encoded = target(
  'texts through the tokenizer',
  (rng) => Array.from({ length: 1 + rng.int(4) }, () => someText(rng, 12)).join(''),
  (text) => {
    const ids = readTokenizer.encodeText(text);
    if (ids.some((id) => id < SPECIAL_TOKENS.length)) throw new Wrong('a text became a special token');
    expectSame('a text, encoded and decoded', readTokenizer.decodeText(ids), text.toWellFormed());
  },
);

const tokenizerJson = target(
  'tokenizer.json',
  (rng) => mutateJson(TOKENIZER, rng),
  (value) => {
    const read = LabTokenizer.fromJson(value);
    expectSame('a text through a changed tokenizer', read.decodeText(read.encodeText('red größe 🫖')), 'red größe 🫖');
    expectJsonRoundTrip('a tokenizer', read.toJson(), (json) => LabTokenizer.fromJson(json).toJson());
  },
);

const SETTINGS = {
  sft: SftExperimentSchema,
  grpo: GrpoExperimentSchema,
  distill: DistillExperimentSchema,
  'sft settings': SftConfigSchema,
  'grpo settings': GrpoConfigSchema,
  'distill settings': DistillConfigSchema,
  model: ModelConfigSchema,
} as const;
const SETTING_NAMES = Object.keys(SETTINGS) as (keyof typeof SETTINGS)[];

const settings = target(
  'settings',
  (rng) => {
    const name = rng.pick(SETTING_NAMES);
    const value = someOf(SETTINGS[name], rng);
    return { name, value: rng.chance(0.4) ? mutateJson(value, rng) : value };
  },
  ({ name, value }) => {
    const read = (given: unknown): unknown =>
      name === 'sft' ? parseSftExperiment('--config', given) : parseConfig('--config', SETTINGS[name], given);
    expectJsonRoundTrip(name, read(value), read);
  },
);

const huggingFace = target(
  'config.json',
  (rng) => {
    const config = toHuggingFaceConfig({ ...MODEL, layers: 1 + rng.int(4), qkNorm: rng.chance(0.5) });
    return mutateJson({ ...config, rope_scaling: null }, rng);
  },
  (value) => {
    const read = fromHuggingFaceConfig(value);
    expectJsonRoundTrip('config.json', read, (json) => parseConfig('config.json', ModelConfigSchema, json));
    expectSame('config.json, written and read', fromHuggingFaceConfig(toHuggingFaceConfig(read)), read);
  },
);
const MODEL = v.parse(ModelConfigSchema, {
  vocabSize: 512,
  width: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  hidden: 48,
});

const FIELDS = settingFields(SftExperimentSchema);
const typed = target(
  'typed settings',
  (rng) => ({ at: rng.int(FIELDS.length), text: rng.chance(0.5) ? someText(rng, 2) : mutateText('0.001', rng) }),
  ({ at, text }) => {
    const field = FIELDS[at];
    if (field === undefined) return;
    const value = readSetting(field, text);
    if (value === undefined) return;
    if (field.kind !== 'text' && field.kind !== 'given') {
      expectSame('a setting, typed again', readSetting(field, typedSetting(value)), value);
    }
    const whole = parseSftExperiment('the form', withSetting({}, FIELDS, field, value));
    expectJsonRoundTrip(field.path, whole, (json) => parseSftExperiment('the form', json));
  },
);

const swept = target(
  'sweeps',
  (rng) => ({ set: mutateText('grpo.balance.lambda=0,0.3,[1,2]', rng), seeds: mutateText('1-5,7', rng) }),
  ({ set, seeds }) => {
    if (parseSeeds(seeds).length > 10_000) throw new Wrong('more seeds than anyone waits for');
    parseSweptSetting(set);
  },
);

const addresses = target(
  'addresses',
  (rng) => ({
    hash: mutateText(rng.pick(['#/score?checkpoint=a&with=b,c&pair={}', '#/files?file=x', '#/lesson/collapse/3/notes', '#/runs?compare=a,b', '#/collapse?lambda=0.1&preset=lesson']), rng), // prettier-ignore
    names: [someText(rng), someText(rng), someText(rng)].filter((name) => name !== ''),
  }),
  ({ hash, names }) => {
    for (const read of [routeOf, lessonIn, pairIn, checkpointIn, modelIn, comparedIn, fileIn, runsIn, lambdaIn])
      read(hash);
    const [id = 'id', pair] = names.map((name) => name.toWellFormed());
    const address = new URL(scoreAddress(id, [], undefined, pair), 'http://lab.test/').hash;
    expectSame('a checkpoint in an address', checkpointIn(address), id);
    expectSame('a pair in an address', pairIn(address), pair);
    expectSame('a file in an address', fileIn(new URL(fileAddress(id), 'http://lab.test/').hash), id);
    const runs = [...new Set(names.map((name) => name.toWellFormed().replaceAll(',', '')))].filter(
      (name) => name !== '',
    );
    expectSame('runs in an address', runsIn(new URL(runsAddress(runs), 'http://lab.test/').hash), runs);
  },
);

export const TEXT_TARGETS: readonly Target[] = [
  instructionText,
  instructionJson,
  trace,
  encoded,
  tokenizerJson,
  settings,
  huggingFace,
  typed,
  swept,
  addresses,
];
