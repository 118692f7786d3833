/** `@huggingface/gguf` reads what the lab writes, and says the same of it as the lab's own reader. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import { expect, it, onTestFinished } from 'vitest';
import { arraySource } from '../../../src/checkpoint/byte-source.ts';
import { readGguf } from '../../../src/checkpoint/gguf.ts';
import { foreignGguf } from '../../reference/foreign-model.ts';

it.each(['F32', 'F16', 'Q8_0', 'Q4_0'] as const)('a file of %s', async (type) => {
  const folder = await mkdtemp(join(tmpdir(), 'afrl-lab-gguf-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bytes = await foreignGguf(type);
  const path = join(folder, 'model.gguf');
  await writeFile(path, bytes);
  const theirs = await gguf(path, { allowLocalFile: true });
  const { metadata, tensors } = await readGguf(arraySource(bytes));
  const listed = (value: unknown): unknown =>
    ArrayBuffer.isView(value) ? Array.from(value as Int32Array) : typeof value === 'bigint' ? Number(value) : value;
  const known = Object.entries(theirs.metadata).filter(([key]) => metadata.has(key));
  expect(known.length).toBe(metadata.size);
  for (const [key, value] of known) expect([key, listed(metadata.get(key))]).toEqual([key, listed(value)]);
  expect(
    theirs.tensorInfos.map(({ name, shape, dtype }) => [
      name,
      shape.map(Number).toReversed(),
      GGMLQuantizationType[dtype],
    ]),
  ).toEqual([...tensors.values()].map((tensor) => [tensor.name, [...tensor.shape], tensor.type]));
});
