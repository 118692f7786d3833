/**
 * The general model against onnxruntime-web on wasm, both in Node with one thread, on the prompts of `bench file`. It
 * needs an export by onnx-export.py and an onnxruntime-web that is installed elsewhere; no test runs it:
 *
 *   npm install --prefix /tmp/ort onnxruntime-web
 *   npx tsx test/bench/native/onnx-race.ts labels > labels.json
 *   python3 test/bench/native/onnx-export.py public/models/general labels.json general.onnx
 *   npx tsx test/bench/native/onnx-race.ts general.onnx /tmp/ort/node_modules/onnxruntime-web
 *
 * Both get windows of 512 prompts. onnxruntime-web gets them sorted by length, 32 at a time, padded on the right.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { openNodeBackend } from '../../../src/cli/node-backend.ts';
import { readModelFolder } from '../../../src/cli/model-folder.ts';
import { print } from '../../../src/cli/terminal.ts';
import { givenBlob } from '../../../src/data/kinds/given-file.ts';
import { openData } from '../../../src/data/layouts/open-data.ts';
import { encodeFor } from '../../../src/infer/score-pairs.ts';
import { scorePrompts } from '../../../src/infer/score.ts';
import { JudgedRows } from '../../../src/sessions/files/judged-rows.ts';
import { pairsTsv } from '../file-bench.ts';
import { median } from '../median.ts';

const PAIRS = 8192;
const WINDOW = 512;
const BATCH = 32;
const PASSES = 5;

/** What the race needs of onnxruntime-web. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number } };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{
      run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: Float32Array }>>;
    }>;
  };
}

/** The shares of the labels for a window of prompts. */
type Scorer = (prompts: readonly Int32Array[]) => Promise<number[][]>;

await openNodeBackend('wasm');
const model = await readModelFolder('public/models/general');
const labelIds = model.tokenizer.labelIds(model.prompt.scaleSize);
const [asked = '', installed = ''] = process.argv.slice(2);
if (asked === 'labels') print(JSON.stringify(labelIds));
else await race(asked, installed);

async function race(exported: string, folder: string): Promise<void> {
  const ort = (await import(pathToFileURL(join(folder, 'dist', 'ort.node.min.mjs')).href)) as Ort;
  ort.env.wasm.numThreads = 1;
  const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'all' };
  const session = await ort.InferenceSession.create(new Uint8Array(await readFile(exported)), options);
  const theirs: Scorer = async (prompts) => {
    const order = [...prompts.keys()].toSorted((a, b) => (prompts[a]?.length ?? 0) - (prompts[b]?.length ?? 0));
    const shares = Array<number[]>(prompts.length);
    for (let start = 0; start < order.length; start += BATCH) {
      const places = order.slice(start, start + BATCH);
      const batch = places.flatMap((place) => prompts[place] ?? []);
      const length = batch.at(-1)?.length ?? 0;
      const ids = new BigInt64Array(batch.length * length);
      for (const [b, prompt] of batch.entries())
        for (const [t, id] of prompt.entries()) ids[b * length + t] = BigInt(id);
      const last = BigInt64Array.from(batch, (prompt) => BigInt(prompt.length - 1));
      const feeds = {
        ids: new ort.Tensor('int64', ids, [batch.length, length]),
        last: new ort.Tensor('int64', last, [batch.length]),
      };
      const data = (await session.run(feeds))['shares']?.data ?? new Float32Array();
      const R = labelIds.length;
      for (const [b, place] of places.entries()) shares[place] = [...data.subarray(b * R, (b + 1) * R)];
    }
    return shares;
  };
  const ours: Scorer = async (prompts) =>
    (await scorePrompts(model.transformer, labelIds, prompts)).map(({ probabilities }) => [...probabilities]);

  const data = await openData([givenBlob('pairs.tsv', new Blob([pairsTsv(PAIRS)]))], {});
  const rows = await JudgedRows.read(data, { columns: {}, grades: '' });
  const prompts = rows.seenBy(model).map(({ pair }) => encodeFor(model, pair).ids);
  // The lab scores equal prompts of a window once; real files have few of them, this made one has many.
  const different = [...new Map(prompts.map((prompt) => [prompt.join(' '), prompt])).values()];
  let farthest = 0;
  for (const window of windowsOf(different)) {
    const [a, b] = [(await ours(window)).flat(), (await theirs(window)).flat()];
    farthest = Math.max(farthest, ...a.map((share, i) => Math.abs(share - (b[i] ?? NaN))));
  }
  print(`The shares of labels differ by at most ${farthest.toExponential(1)}.`);
  await compare('prompts', prompts, ours, theirs);
  await compare('different prompts', different, ours, theirs);
}

async function compare(what: string, prompts: readonly Int32Array[], ours: Scorer, theirs: Scorer): Promise<void> {
  const ratios: number[] = [];
  const seconds = { ours: 0, theirs: 0 };
  for (let pass = 0; pass < PASSES; pass++) {
    for (const [name, scorer] of [
      ['ours', ours],
      ['theirs', theirs],
    ] as const) {
      const before = process.cpuUsage();
      for (const window of windowsOf(prompts)) await scorer(window);
      const { user, system } = process.cpuUsage(before);
      seconds[name] = (user + system) / 1e6;
    }
    ratios.push(seconds.theirs / seconds.ours);
  }
  const { ours: own, theirs: other } = seconds;
  print(
    `${prompts.length} ${what}: onnxruntime-web takes ${median(ratios).toFixed(2)} times the processor time ` +
      `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}; last ${own.toFixed(2)} and ${other.toFixed(2)} s).`,
  );
}

function windowsOf(prompts: readonly Int32Array[]): Int32Array[][] {
  const count = Math.ceil(prompts.length / WINDOW);
  return Array.from({ length: count }, (_, i) => prompts.slice(i * WINDOW, (i + 1) * WINDOW));
}
