/** Records of runs as files, and as event files of TensorBoard. */
import fc from 'fast-check';
import { safeParse } from 'valibot';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import {
  NO_REMARKS,
  type RunCompletions,
  RunCompletionsSchema,
  type TrackedRun,
  TrackedRunSchema,
} from '../../../src/protocol/tracked-run.ts';
import {
  ALL_RECORD_FILES,
  COMPLETIONS_FILE,
  RECORD_FILES,
  readRecordFiles,
  recordFiles,
} from '../../../src/runs/run-record.ts';
import { maskedCrc32c, tensorboardEvents } from '../../../src/runs/tensorboard.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
/** A record has no keys that an object has of itself; they are dropped. */
const plainKey = (pattern: RegExp): fc.Arbitrary<string> =>
  fc.stringMatching(pattern).filter((key) => !['constructor', 'prototype'].includes(key));
const someRun: fc.Arbitrary<TrackedRun> = fc.record({
  schemaVersion: fc.constant(1 as const),
  id: fc.stringMatching(/^[\w-]{1,64}$/u),
  kind: fc.constantFrom('sft', 'grpo', 'distill'),
  name: fc.string({ maxLength: 50 }),
  seed: fc.nat(),
  step: fc.nat(),
  steps: fc.nat(),
  settings: fc.dictionary(plainKey(/^[a-z.]{1,20}$/u), fc.oneof(fc.string(), finite, fc.boolean(), fc.constant(null))),
  curve: fc.array(
    fc.record(
      { step: fc.nat(), measures: fc.dictionary(plainKey(/^[a-zA-Z]{1,12}$/u), fc.oneof(finite, fc.constant(null))), tokens: fc.nat(), activeMs: fc.nat() },
      { requiredKeys: ['step', 'measures'] },
    ),
  ),
  activeMs: fc.option(fc.nat()),
  watch: fc.option(fc.record({ metric: fc.constantFrom('accuracy', 'lossNats'), patience: fc.nat({ max: 9 }) })),
  best: fc.option(fc.record({ step: fc.nat(), value: finite, checkpointId: fc.constant('c1') })),
  state: fc.constantFrom('queued', 'running', 'finished', 'stopped', 'failed'),
  parentId: fc.option(fc.stringMatching(/^[\w-]{1,64}$/u)),
  startedAt: fc.nat(),
  updatedAt: fc.nat(),
  queuedAt: fc.option(finite),
  startUrl: fc.option(fc.webUrl()),
  experiment: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  note: fc.string(),
  tags: fc.array(fc.stringMatching(/^[a-z]{1,40}$/u), { maxLength: 20 }),
  isPinned: fc.boolean(),
  isArchived: fc.boolean(),
}); // prettier-ignore

const someCompletions: fc.Arbitrary<RunCompletions> = fc.record({
  step: fc.nat(),
  answers: fc.array(
    fc.record({ query: fc.string(), title: fc.string(), gold: fc.nat(), label: fc.nat(), completion: fc.string() }),
    { maxLength: 4 },
  ),
});
const onlyRun = (run: TrackedRun): ReturnType<typeof recordFiles> => recordFiles({ run, completions: [] });

/** Every value that differs from this one by another number in the place of one of its numbers. */
function* withNumber(value: unknown, other: number): Generator {
  if (typeof value === 'number') yield other;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    for (const changed of withNumber(part, other)) {
      yield Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed };
    }
  }
}

describe('the files of a run', () => {
  it('give the same run and completions back', () => {
    fc.assert(
      fc.property(someRun, fc.array(someCompletions, { maxLength: 3 }), (run, completions) => {
        expect(readRecordFiles('here', recordFiles({ run, completions }))).toEqual({ run, completions });
      }),
    );
  });

  it('hold no number that JSON cannot hold, whichever it is', () => {
    fc.assert(
      fc.property(someRun, someCompletions, fc.constantFrom(Infinity, -Infinity, NaN), (run, completions, wrong) => {
        for (const changed of withNumber(run, wrong)) expect(safeParse(TrackedRunSchema, changed).success).toBe(false);
        for (const changed of withNumber(completions, wrong)) {
          expect(safeParse(RunCompletionsSchema, changed).success).toBe(false);
        }
      }),
    );
  });

  it('are refused where a file has such a number', () => {
    const [run] = fc.sample(someRun, 1) as [TrackedRun];
    const files = onlyRun({ ...run, curve: [] });
    const wrong = { ...files, 'metrics.jsonl': '{"step":1,"measures":{"reward":1e999}}' };
    expect(() => readRecordFiles('here', wrong)).toThrow(/metrics\.jsonl, line 1/u);
    expect(() => readRecordFiles('here', { ...files, 'config.json': '{"a":[1e999]}' })).toThrow(/experiment/u);
  });

  it('have completions only where something was completed', () => {
    const [run] = fc.sample(someRun, 1) as [TrackedRun];
    expect(Object.keys(onlyRun(run))).toEqual([...RECORD_FILES]);
    const files = recordFiles({ run, completions: [{ step: 3, answers: [] }] });
    expect(Object.keys(files)).toEqual([...ALL_RECORD_FILES]);
    expect(() => readRecordFiles('here', { ...files, [COMPLETIONS_FILE]: '{"step":-1}' })).toThrow(
      /completions\.jsonl, line 1/u,
    );
  });

  it.each(RECORD_FILES)('are refused without %s, or where it is damaged', (name) => {
    const [run] = fc.sample(
      someRun.map((one) => ({ ...one, curve: [{ step: 1, measures: { reward: 1 } }] })),
      1,
    );
    const files = onlyRun(run as TrackedRun);
    const { [name]: _missing, ...others } = files;
    expect(() => readRecordFiles('here', others)).toThrow(LabError);
    expect(() => readRecordFiles('here', others)).toThrow(name);
    expect(() => readRecordFiles('here', { ...files, [name]: `${files[name]}{` })).toThrow(name);
  });

  it('name the line and the field that are wrong', () => {
    const [run] = fc.sample(someRun, 1) as [TrackedRun];
    const files = onlyRun({ ...run, ...NO_REMARKS });
    const metrics = '{"step":1,"measures":{}}\n{"step":-1,"measures":{}}\n';
    expect(() => readRecordFiles('here', { ...files, 'metrics.jsonl': metrics })).toThrow(/line 2/u);
    const wrong = JSON.stringify({ ...(JSON.parse(files['run.json']) as object), seed: 'one' });
    expect(() => readRecordFiles('here', { ...files, 'run.json': wrong })).toThrow(/seed/u);
  });
});

/** A reader of its own: records of an event file, each with its two checksums verified. */
function readEvents(bytes: Uint8Array): { step: number; values: Record<string, number> }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const events: { step: number; values: Record<string, number> }[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    expect(view.getUint32(at + 8, true)).toBe(maskedCrc32c([...bytes.subarray(at, at + 8)]));
    const message = bytes.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 12 + length, true)).toBe(maskedCrc32c([...message]));
    events.push(readEvent(message));
    at += 16 + length;
  }
  return events;
}

function* fields(bytes: Uint8Array): Generator<[number, number | Uint8Array]> {
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  let at = 0;
  while (at < bytes.length) {
    const key = varint();
    const sizes: Record<number, () => number> = { 1: () => 8, 2: varint, 5: () => 4 };
    if ((key & 7) === 0) yield [key >> 3, varint()];
    else {
      const size = sizes[key & 7]?.() ?? 0;
      yield [key >> 3, bytes.subarray(at, at + size)];
      at += size;
    }
  }
}

function readEvent(bytes: Uint8Array): { step: number; values: Record<string, number> } {
  const event = { step: 0, values: {} as Record<string, number> };
  for (const [number, value] of fields(bytes)) {
    if (number === 2 && typeof value === 'number') event.step = value;
    if (number !== 5 || typeof value === 'number') continue;
    for (const [, entry] of fields(value)) {
      const parts = new Map(fields(entry as Uint8Array));
      const tag = new TextDecoder().decode(parts.get(1) as Uint8Array);
      event.values[tag] = new DataView((parts.get(2) as Uint8Array).slice().buffer).getFloat32(0, true);
    }
  }
  return event;
}

describe('an event file', () => {
  it('has the checksum of the format: CRC-32C of "123456789", masked', () => {
    // RFC 3720 gives 0xe3069283; the mask is a rotation by 15 and an addition.
    const crc = 0xe3069283;
    const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    expect(maskedCrc32c([...new TextEncoder().encode('123456789')])).toBe(masked);
  });

  it('has every measurement at its step, in single precision', () => {
    fc.assert(
      fc.property(someRun, (run) => {
        const [version, ...events] = readEvents(tensorboardEvents(run));
        expect(version).toEqual({ step: 0, values: {} });
        const expected = run.curve
          .map(({ step, measures }) => {
            const measured = Object.entries(measures).filter((entry): entry is [string, number] => entry[1] !== null);
            return { step, values: Object.fromEntries(measured.map(([tag, value]) => [tag, Math.fround(value)])) };
          })
          .filter(({ values }) => Object.keys(values).length > 0);
        expect(events).toEqual(expected);
      }),
    );
  });
});
