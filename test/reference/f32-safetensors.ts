/**
 * The least that reads a float32 safetensors file. It trusts the file and shares nothing with `src/checkpoint`, so that
 * a fixture does not depend on the reader it may be used to test.
 */
import * as v from 'valibot';
import { tensor64, type Tensor64 } from './tensor64.ts';

const EntrySchema = v.object({
  dtype: v.literal('F32'),
  shape: v.array(v.number()),
  data_offsets: v.tuple([v.number(), v.number()]),
});

/** Every tensor of a safetensors file by name, widened to double precision. */
export function readF32Safetensors(bytes: Uint8Array): Map<string, Tensor64> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = Number(view.getBigUint64(0, true));
  const header = v.parse(
    v.record(v.string(), v.unknown()),
    JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerSize))),
  );
  const tensors = new Map<string, Tensor64>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { shape, data_offsets } = v.parse(EntrySchema, entry);
    const [start, end] = data_offsets;
    const values = Array.from({ length: (end - start) / 4 }, (_, i) =>
      view.getFloat32(8 + headerSize + start + 4 * i, true),
    );
    tensors.set(name, tensor64(shape, values));
  }
  return tensors;
}
