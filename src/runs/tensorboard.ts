/**
 * Measurements as an event file of TensorBoard: a sequence of records, each an `Event` message of protocol buffers
 * between checksums. Formats: tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer.h.
 *
 *     record  = length (uint64) | masked CRC-32C of length | message | masked CRC-32C of message   (little endian)
 *     Event   = 1: wall_time (double), 2: step (int64), 3: file_version (string), 5: Summary
 *     Summary = 1: Value, repeated;  Value = 1: tag (string), 2: simple_value (float)
 */
import type { RunPoint } from '../protocol/tracked-run.ts';

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** The name of the event file in the folder of a run; TensorBoard looks for `tfevents`. */
export const EVENT_FILE = 'events.out.tfevents.0.afrl-lab';

/** The bytes of the event file of a run. All its measurements have the time of its last change, or 1970 without one. */
export function tensorboardEvents({
  curve,
  updatedAt = 0,
}: {
  readonly curve: readonly Pick<RunPoint, 'step' | 'measures'>[];
  readonly updatedAt?: number;
}): Uint8Array<ArrayBuffer> {
  const time = field(1, FIXED64, float64(updatedAt / 1000));
  const events = [[...time, ...field(3, BYTES, text('brain.Event:2'))]];
  for (const { step, measures } of curve) {
    const values = Object.entries(measures).flatMap(([tag, value]) => {
      if (value === null) return [];
      return field(1, BYTES, [...field(1, BYTES, text(tag)), ...field(2, FIXED32, float32(value))]);
    });
    if (values.length > 0) events.push([...time, ...field(2, VARINT, varint(step)), ...field(5, BYTES, values)]);
  }
  return Uint8Array.from(events.flatMap(recordOf));
}

function recordOf(message: readonly number[]): number[] {
  const length = [...uint32(message.length), 0, 0, 0, 0];
  return [...length, ...uint32(maskedCrc32c(length)), ...message, ...uint32(maskedCrc32c(message))];
}

function field(number: number, type: number, value: readonly number[]): number[] {
  const length = type === BYTES ? varint(value.length) : [];
  return [(number << 3) | type, ...length, ...value];
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low | 128, ...varint(Math.floor(value / 128))];
}

function text(value: string): number[] {
  return [...new TextEncoder().encode(value)];
}

function uint32(value: number): number[] {
  return [...new Uint8Array(Uint32Array.of(value).buffer)];
}

function float32(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

function float64(value: number): number[] {
  return [...new Uint8Array(Float64Array.of(value).buffer)];
}

/** The remainders of all bytes by the Castagnoli polynomial, reflected. */
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});

/** The checksum of TFRecord files: rotated and shifted, so that a checksum of checksums is no simple value. */
export function maskedCrc32c(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC32C[(crc ^ byte) & 255] ?? 0);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
