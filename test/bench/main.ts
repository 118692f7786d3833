/**
 * `npm run bench -- <command>`: the benchmarks. Prints a report, or with `--json` one line of JSON as the last line of
 * standard output; progress goes to standard error.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command, CommanderError, Option } from 'commander';
import { note, print } from '../../src/cli/terminal.ts';
import { writeResults } from '../../src/cli/results-files.ts';
import type { PrecisionResults } from '../../src/studies/precision-report.ts';
import { wholeNumber } from '../../src/cli/options.ts';
import { LabError, messageOf } from '../../src/common/errors.ts';
import { TRAINING_PRECISIONS, type TrainingPrecision } from '../../src/config/sft-config.ts';
import { PRESET_NAMES, type PresetName } from '../../src/config/presets.ts';
import { ANSWER_SHAPES, type AnswerBench, answerReport, benchAnswer } from './answer-bench.ts';
import { BENCH_BACKENDS, type BenchBackend } from './backend-pair.ts';
import { DECODINGS, type DecodingKind } from '../../src/config/decoding.ts';
import { benchFile, type FileBench, fileReport } from './file-bench.ts';
import { benchGenerate, type GenerateBench, generateReport } from './generate-bench.ts';
import { benchGrpo, type GrpoBench, grpoReport } from './grpo-bench.ts';
import { benchHeld, heldReport } from './held-bench.ts';
import { benchKernels, kernelsReport } from './kernels-bench.ts';
import { device } from './device/device-command.ts';
import { nodeSurroundings } from './node-surroundings.ts';
import { inChromium } from './chromium-bench.ts';
import { benchLesson, lessonReport } from './lesson-bench.ts';
import { benchPage, pageReport } from './page-bench.ts';
import { benchPageFile, pageFileReport } from './page-file-bench.ts';
import { benchPrecision, type PrecisionBench } from './precision-bench.ts';
import { benchProducts, productsReport } from './products-bench.ts';
import { benchProfile, profileReport } from './profile-bench.ts';
import { benchScore, type ScoreBench, scoreReport } from './score-bench.ts';
import { PEER_NAMES, type PeerName, runContest } from './train-contest.ts';
import { trainReport } from './train-report.ts';
import { makeWork, WORK_A, type WorkRequest } from './work.ts';

interface SharedOptions {
  readonly preset?: PresetName;
  readonly shape: string;
  readonly batch: number;
  readonly length: number;
  readonly scored?: number;
  readonly backend: BenchBackend;
  readonly adapter?: string;
  readonly json?: boolean;
}

interface GivenAdapter {
  readonly adapter?: string;
  readonly json?: boolean;
}

interface TrainOptions extends SharedOptions {
  readonly peers: PeerName[];
  readonly repeats: number;
  readonly warmUp: number;
  readonly products: boolean;
  readonly browser?: boolean;
  readonly precision: TrainingPrecision;
}

interface KernelsOptions {
  readonly shape: string;
  readonly only?: string;
  readonly repeats: number;
  readonly adapter?: string;
  readonly browser?: boolean;
  readonly json?: boolean;
}

function shared(command: Command): Command {
  return command
    .addOption(new Option('--preset <name>', 'the work by preset').choices(PRESET_NAMES))
    .option('--shape <sizes>', 'the work by sizes', WORK_A)
    .option('--batch <n>', 'B, with --preset', wholeNumber(1), 8)
    .option('--length <n>', 'T, with --preset', wholeNumber(1), 128)
    .option('--scored <n>', 'last positions of each sequence in the loss; default: all', wholeNumber(1))
    .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('wasm'))
    .option('--adapter <name>', 'with webgpu: lavapipe, swiftshader, or the file of a Vulkan driver')
    .option('--json', 'print one line of JSON at the end');
}

function workOf({ preset, shape, batch, length, scored }: SharedOptions): WorkRequest {
  return preset === undefined ? { shape, scored } : { preset, B: batch, T: length, scored };
}

const train = shared(new Command('train'))
  .description('one optimizer step by the lab, plain tfjs and jax-js, alternating')
  .option('--peers <names>', 'the peers, in order', peerNames, ['ours', 'tfjs', 'jaxjs'])
  .option('--repeats <n>', 'timed steps of each peer', wholeNumber(1), 7)
  .option('--warm-up <n>', 'warm-up steps of each peer', wholeNumber(1), 2)
  .option('--no-products', 'do not time each matrix product separately')
  .addOption(new Option('--precision <name>', 'precision of the lab').choices(TRAINING_PRECISIONS).default('f32'))
  .option('--browser', 'in a Chromium page, on swiftshader or, without --adapter, on a GPU')
  .action(async (options: TrainOptions) => {
    const work = workOf(options);
    const { backend, adapter, peers, repeats, warmUp, products, precision } = options;
    const contest = { work, backend, peers, repeats, warmUp, products, precision };
    const outcome = await (options.browser === true
      ? inChromium(adapter, (page) => page.train(contest))
      : runContest(contest, nodeSurroundings(adapter)));
    for (const line of trainReport(makeWork(work), outcome)) (options.json === true ? note : print)(line);
    if (options.json === true) print(JSON.stringify(outcome.result));
  });

const profile = shared(new Command('profile'))
  .description('the tfjs kernels of an optimizer step and the time they take')
  .addOption(new Option('--peer <name>', 'the peer that makes the steps').choices(['ours', 'tfjs']).default('ours'))
  .option('--repeats <n>', 'timed steps', wholeNumber(1), 7)
  .option('--rows <n>', 'rows of the table by shapes', wholeNumber(0), 30)
  .action(async (options: SharedOptions & { peer: 'ours' | 'tfjs'; repeats: number; rows: number }) => {
    const work = makeWork(workOf(options));
    const { backend, adapter, peer, repeats } = options;
    const result = await benchProfile({ work, backend, adapter, peer, repeats });
    for (const line of profileReport(work, result, options.rows)) (options.json === true ? note : print)(line);
    if (options.json === true) print(JSON.stringify(result));
  });

const grpo = new Command('grpo')
  .description('one whole reinforcement step by the lab and plain tfjs, alternating')
  .addOption(new Option('--preset <name>', 'the policy').choices(PRESET_NAMES).default('lab-nano'))
  .option('--prompts <n>', 'P', wholeNumber(1), 16)
  .option('--samples <n>', 'G, completions per prompt', wholeNumber(2), 8)
  .option('--max-tokens <n>', 'maximum tokens per completion', wholeNumber(2), 32)
  .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('wasm'))
  .option('--adapter <name>', 'with webgpu: lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--repeats <n>', 'timed steps of each peer', wholeNumber(1), 5)
  .option('--warm-up <n>', 'warm-up steps of each peer', wholeNumber(1), 2)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ json, adapter, ...options }: GrpoBench & GivenAdapter) => {
    const result = await benchGrpo(options, nodeSurroundings(adapter));
    for (const line of grpoReport(result)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

type GenerateOptions = GenerateBench & GivenAdapter & { decoding?: Exclude<DecodingKind, 'free'>; json?: boolean };

const generate = new Command('generate')
  .description('rollouts by the lab and by plain tfjs with its own cache, alternating')
  .addOption(new Option('--preset <name>', 'the policy').choices(PRESET_NAMES).default('mini'))
  .option('--prompts <n>', 'P', wholeNumber(1), 8)
  .option('--samples <n>', 'G, completions per prompt', wholeNumber(1), 8)
  .option('--tokens <n>', 'tokens per completion', wholeNumber(1), 64)
  .option('--prompt-length <n>', 'tokens of the longest prompt', wholeNumber(16), 48)
  .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('webgpu'))
  .option('--adapter <name>', 'with webgpu: lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--repeats <n>', 'timed runs of each peer', wholeNumber(1), 3)
  .addOption(
    new Option(
      '--decoding <kind>',
      'instead: completions of pairs one by one, held, against free ones of as many tokens; --samples does not count then',
    ).choices(DECODINGS.filter((kind) => kind !== 'free')),
  )
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ json, decoding, ...options }: GenerateOptions) => {
    const tell = json === true ? note : print;
    if (decoding === undefined) {
      const { adapter, ...bench } = options;
      const result = await benchGenerate(bench, nodeSurroundings(adapter));
      for (const line of generateReport(result)) tell(line);
      if (json === true) print(JSON.stringify(result));
      return;
    }
    const result = await benchHeld({ ...options, decoding });
    for (const line of heldReport(result)) tell(line);
    if (json === true) print(JSON.stringify(result));
  });

const kernels = new Command('kernels')
  .description('each op with a WebGPU kernel, as the kernel and as its composite')
  .option('--shape <sizes>', 'the work by sizes', WORK_A)
  .option('--only <text>', 'only ops whose name contains this')
  .option('--adapter <name>', 'lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--browser', 'in a Chromium page, on swiftshader or, without --adapter, on a GPU')
  .option('--repeats <n>', 'timed measurements of each op', wholeNumber(1), 5)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ shape, only, repeats, adapter, browser, json }: KernelsOptions) => {
    const bench = { work: { shape }, only, repeats };
    const results = await (browser === true
      ? inChromium(adapter, (page) => page.kernels(bench))
      : benchKernels(bench, nodeSurroundings(adapter)));
    for (const line of kernelsReport(results)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(results));
  });

const score = new Command('score')
  .description('documents scored by the lab and by whole forward passes of its peers, alternating')
  .addOption(new Option('--preset <name>', 'the model').choices(PRESET_NAMES).default('mini'))
  .option('--queries <n>', 'number of queries', wholeNumber(1), 8)
  .option('--documents <n>', 'documents per query', wholeNumber(1), 32)
  .option('--prefix <n>', 'tokens before the document, the same for all documents of a query', wholeNumber(1), 64)
  .option('--document <n>', 'tokens of the document', wholeNumber(1), 64)
  .option('--single', 'only one document')
  .option('--peers <names>', 'the peers, in order', peerNames, ['ours', 'tfjs'])
  .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('wasm'))
  .option('--adapter <name>', 'with webgpu: lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--repeats <n>', 'timed passes of each peer over all documents', wholeNumber(1), 5)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ json, adapter, ...options }: ScoreBench & GivenAdapter) => {
    const result = await benchScore(options, nodeSurroundings(adapter));
    for (const line of scoreReport(result)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

const products = new Command('products')
  .description("the products of a step by every variant of the lab's kernel, alternating")
  .option('--shape <sizes>', 'the work by sizes', WORK_A)
  .option('--adapter <name>', 'lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--browser', 'in a Chromium page, on swiftshader or, without --adapter, on a GPU')
  .option('--repeats <n>', 'turns of each variant', wholeNumber(1), 5)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ shape, repeats, adapter, browser, json }: Omit<KernelsOptions, 'only'>) => {
    const bench = { work: { shape }, repeats };
    const results = await (browser === true
      ? inChromium(adapter, (page) => page.products(bench))
      : benchProducts(bench, nodeSurroundings(adapter)));
    for (const line of productsReport(results)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(results));
  });

const answer = new Command('answer')
  .description('one answer of a model of any size with compressed matrices, on WebGPU: memory, prefill, decoding')
  .addOption(new Option('--shape <name>', 'the model').choices(ANSWER_SHAPES).default('mini'))
  .addOption(new Option('--precision <name>', 'precision of matrices').choices(['f16', 'int8', 'int4']).default('int4'))
  .option('--prompt <n>', 'tokens of the prompt', wholeNumber(1), 128)
  .option('--tokens <n>', 'generated tokens after the first', wholeNumber(1), 16)
  .option('--adapter <name>', 'lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ json, adapter, ...options }: AnswerBench & GivenAdapter) => {
    const result = await benchAnswer(options, nodeSurroundings(adapter));
    for (const line of answerReport(result)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

const precision = new Command('precision')
  .description('short supervised runs in f32 and mixed precision: their difference compared with that between seeds')
  .addOption(new Option('--preset <name>', 'the model').choices(PRESET_NAMES).default('lab-nano'))
  .option('--seeds <n>', 'runs per precision', wholeNumber(2), 5)
  .option('--steps <n>', 'updates per run', wholeNumber(10), 600)
  .option('--batch <n>', 'pairs per update', wholeNumber(1), 32)
  .option('--stretch <n>', 'updates averaged into one point of the curve', wholeNumber(1), 50)
  .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('webgpu'))
  .option('--adapter <name>', 'with webgpu: lavapipe, swiftshader, or the file of a Vulkan driver')
  .option('-o, --out <folder>', 'folder for precision.json and precision.md', 'docs/results')
  .action(async ({ out, ...options }: PrecisionBench & { out: string }) => {
    const file = join(out, 'precision.json');
    const before = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as PrecisionResults) : undefined;
    for await (const results of benchPrecision(options, before)) await writeResults(out, results);
    print(join(out, 'precision.md'));
  });

const page = new Command('page')
  .description('the longest tasks of the built page during its first training run')
  .option('--seconds <n>', 'training time', wholeNumber(1), 30)
  .option('--rows <n>', 'tasks to list', wholeNumber(1), 12)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ seconds, rows, json }: { seconds: number; rows: number; json?: boolean }) => {
    const result = await benchPage(seconds, rows);
    for (const line of pageReport(result)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

type FileOptions = Omit<FileBench, 'path'> & { readonly page?: boolean; readonly json?: boolean };

const file = new Command('file')
  .description('a file of pairs read and scored by lab score, against BM25 alone on the same pairs')
  .argument('[file]', 'the file (default: one that is made)')
  .option('--pairs <n>', 'pairs of a file that is made', wholeNumber(1), 100_000)
  .option('--repeats <n>', 'passes of each', wholeNumber(1), 1)
  .option('--page', 'made pairs in the Files view of the built page, while its table is scrolled')
  .option('--json', 'print one line of JSON at the end')
  .action(async (path: string | undefined, { json, page: inPage, ...options }: FileOptions) => {
    const [result, report] =
      inPage === true
        ? await benchPageFile(options.pairs).then((found) => [found, pageFileReport(found)] as const)
        : await benchFile({ path, ...options }).then((found) => [found, fileReport(found)] as const);
    for (const line of report) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

const lesson = new Command('lesson')
  .description(
    'the first motion of the front door, and the alarm of the live collapse, in the built page on WebAssembly',
  )
  .option('--loads <n>', 'cold loads of the front door', wholeNumber(1), 5)
  .option('--json', 'print one line of JSON at the end')
  .action(async ({ loads, json }: { loads: number; json?: boolean }) => {
    const result = await benchLesson(loads);
    for (const line of lessonReport(result)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(result));
  });

function peerNames(text: string): PeerName[] {
  const names = text.split(',');
  const known = PEER_NAMES.filter((name) => names.includes(name));
  if (known.length !== names.length) {
    throw new LabError('bad-config', {
      message: '--peers has an unknown name.',
      expected: PEER_NAMES.join(','),
      got: text,
    });
  }
  return known;
}

const program = new Command('npm run bench --').description('benchmarks of the engine').exitOverride();
for (const command of [
  train,
  generate,
  grpo,
  score,
  profile,
  kernels,
  products,
  answer,
  precision,
  page,
  file,
  lesson,
  device,
])
  program.addCommand(command.exitOverride());

try {
  await program.parseAsync(process.argv);
  process.exit(0); // otherwise Dawn keeps the process alive
} catch (error) {
  if (!(error instanceof CommanderError)) note(`Error: ${messageOf(error)}`);
  if (!(error instanceof LabError || error instanceof CommanderError) && error instanceof Error)
    note(error.stack ?? '');
  process.exit(error instanceof CommanderError && error.exitCode === 0 ? 0 : 1);
}
