/** Bytes of models and runs: safetensors, shards, checkpoints, checkpoint files, model folders, stored data sets. */
import { readFileSync } from 'node:fs';
import { packCheckpoint, readCheckpointFile, readPayload } from '../../../../src/checkpoint/checkpoint-file.ts';
import { packFiles, unpackFiles } from '../../../../src/checkpoint/packed-files.ts';
import { readSafetensors, writeSafetensors } from '../../../../src/checkpoint/safetensors.ts';
import { joinShards, readShardIndex } from '../../../../src/checkpoint/shards.ts';
import type { Rng } from '../../../../src/common/rng.ts';
import { decodeDataSet, makeDataSet } from '../../../../src/data/files/data-set.ts';
import { readLabModel } from '../../../../src/infer/lab-model.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { readSftCheckpoint, writeSftCheckpoint } from '../../../../src/runs/sft-checkpoint.ts';
import { readRecordFiles, recordFiles } from '../../../../src/runs/run-record.ts';
import { TrackedRunSchema } from '../../../../src/protocol/tracked-run.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { someManifest } from '../../../unit/checkpoint/some-manifest.ts';
import { someOf } from '../from-schema.ts';
import { mutateBytes, mutateJson, mutateText } from '../mutations.ts';
import { expectSame, type Target, target, Wrong } from '../target.ts';

const utf8 = new TextEncoder();
const SMALL = writeSafetensors(
  [
    { name: 'a', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
    { name: 'b', dtype: 'F16', shape: [3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) },
    { name: 'c', dtype: 'F32', shape: [0], data: new Float32Array() },
  ],
  new Map([['run', '{"x":1}']]),
);

/** A safetensors file with its JSON header changed and the length in front of it right. */
function withHeader(bytes: Uint8Array, rng: Rng): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const changed = rng.chance(0.5) ? mutateText(header, rng) : JSON.stringify(mutateJson(JSON.parse(header), rng));
  const head = utf8.encode(changed);
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(head.length), true);
  return Uint8Array.from([...prefix, ...head, ...bytes.subarray(8 + length)]);
}

const safetensors = target(
  'safetensors',
  (rng) => (rng.chance(0.4) ? mutateBytes(SMALL, rng) : withHeader(SMALL, rng)),
  (bytes) => {
    const { metadata, tensors } = readSafetensors(bytes);
    const again = readSafetensors(writeSafetensors(tensors.values(), metadata));
    const plain = (file: typeof again): unknown => [...file.tensors.values()].map(({ name, dtype, shape, data }) => ({ name, dtype, shape, data: [...data] })).toSorted((a, b) => (a.name < b.name ? -1 : 1)); // prettier-ignore
    expectSame('tensors, written and read', plain(again), plain({ metadata, tensors }));
    for (const tensor of tensors.values()) if (/^B?F/u.test(tensor.dtype)) tensor.toFloat32();
  },
);

const INDEX = { metadata: {}, weight_map: { a: 'x-1.safetensors', b: 'x-1.safetensors', c: 'x-1.safetensors' } };
const shards = target(
  'sharded weights',
  (rng) => ({
    index: utf8.encode(JSON.stringify(mutateJson(INDEX, rng))),
    shard: rng.chance(0.5) ? SMALL : mutateBytes(SMALL, rng),
  }),
  ({ index, shard }) => joinShards(readShardIndex(index), new Map([['x-1.safetensors', shard]])),
);

const OLD = readFileSync(new URL('../../../fixtures/sft/checkpoint-v1.safetensors', import.meta.url));
const CHECKPOINT = writeSftCheckpoint(readSftCheckpoint(OLD));
const checkpoint = target(
  'checkpoints of runs',
  (rng) => (rng.chance(0.6) ? mutateBytes(CHECKPOINT, rng) : withHeader(CHECKPOINT, rng)),
  (bytes) => {
    const read = readSftCheckpoint(bytes);
    // Its SHA-256 is in it, so whatever is accepted says what was saved.
    expectSame('an accepted checkpoint', writeSftCheckpoint(read), CHECKPOINT);
  },
);

const PACKED = packFiles({ 'a.json': utf8.encode('{}'), b: new Uint8Array(9) });
const packed = target(
  'packed files',
  (rng) => mutateBytes(PACKED, rng),
  (bytes) => unpackFiles(bytes, ['a.json', 'b']),
);

const { id: _id, createdAt: _createdAt, sizeBytes: _size, chunks: _chunks, ...INFO } = someManifest({ name: 'größe' });
const FILE = await packCheckpoint(INFO, new Uint8Array(8), 1_700_000_000_000);
const WHOLE_FILE = new Uint8Array(await new Blob([...FILE]).arrayBuffer());
const checkpointFile = target(
  'checkpoint files',
  (rng) => (rng.chance(0.1) ? WHOLE_FILE : mutateBytes(WHOLE_FILE, rng)),
  async (bytes) => {
    const payload = await readPayload(await readCheckpointFile(new Blob([bytes])));
    expectSame('the payload of an accepted file', [...payload], [...new Uint8Array(8)]);
  },
);

const FILES = smallModelFiles();
const folder = target(
  'model folders',
  (rng) => {
    const name = rng.pick(['config.json', 'lab.json', 'card.json', 'tokenizer.json', 'model.safetensors'] as const);
    const bytes = FILES.get(name) ?? new Uint8Array();
    if (name === 'model.safetensors') {
      const at = rng.int(2000);
      return { name, bytes: Uint8Array.from(bytes).fill(rng.int(256), at, at + rng.int(4)) };
    }
    const text = new TextDecoder().decode(bytes);
    const changed = rng.chance(0.3) ? mutateText(text, rng) : JSON.stringify(mutateJson(JSON.parse(text), rng));
    return { name, bytes: utf8.encode(changed) };
  },
  ({ name, bytes }) => {
    const { config } = readLabModel(new Map(FILES).set(name, bytes));
    if (config.layers > 100) throw new Wrong('a model of more layers than its weights have');
  },
);

const PAIRS = ['red kettle', 'hose'].map((query, i) => ({
  row: i + 1,
  query,
  queryId: `q${i}`,
  grade: String(i),
  document: makeDocument({ docId: `d${i}`, title: 'Kettle, red' }),
}));
const SET = await makeDataSet('x.tsv', PAIRS);
const dataSet = target(
  'stored data sets',
  (rng) => (rng.chance(0.1) ? SET.bytes : mutateBytes(SET.bytes, rng)),
  async (bytes) => {
    const { pairs } = await decodeDataSet('x.tsv', SET.sha256, bytes);
    expectSame('an accepted data set', pairs, SET.pairs);
  },
);

const record = target(
  'records of runs',
  (rng) => {
    const run = someOf(TrackedRunSchema, rng) as Parameters<typeof recordFiles>[0];
    let files: Record<string, string>;
    try {
      files = recordFiles(run);
    } catch {
      files = { 'run.json': JSON.stringify(run), 'config.json': '{}', 'metrics.jsonl': '' };
    }
    const name = rng.pick(Object.keys(files));
    return { ...files, [name]: rng.chance(0.3) ? files[name] : mutateText(files[name] ?? '', rng) };
  },
  (files) => {
    const read = readRecordFiles('run.json', files);
    expectSame('a record, written and read', readRecordFiles('run.json', recordFiles(read)), read);
  },
);

export const MODEL_TARGETS: readonly Target[] = [
  safetensors,
  shards,
  checkpoint,
  packed,
  checkpointFile,
  folder,
  dataSet,
  record,
];
