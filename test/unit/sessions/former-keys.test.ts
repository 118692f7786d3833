/**
 * Stored formats from before the weight of the expert loss was named `coefficient` (formerly `dial`) and the events of
 * a branch `history` (formerly `tales`): each reads as if the present version had written it.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { RunFolder } from '../../../src/cli/runs/run-folder.ts';
import { type GrpoEvent, GrpoEventSchema } from '../../../src/protocol/grpo.ts';
import { readGrpoCheckpoint } from '../../../src/runs/grpo-checkpoint.ts';
import { readKeptBranch } from '../../../src/sessions/kept-branch.ts';
import { demonstrationOffers } from '../../../src/ui/collapse/demonstration-offers.ts';
import { recalled } from '../../../src/ui/parts/sessions/run-record.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import { MemoryStore } from './memory-store.ts';

const FORMER_NAMES: Readonly<Record<string, string>> = {
  coefficient: 'dial',
  coefficientMoves: 'dialMoves',
  history: 'tales',
};

/** JSON text as earlier versions wrote it. */
function formerJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each !== 'object' || each === null || Array.isArray(each)
      ? each
      : Object.fromEntries(Object.entries(each).map(([key, held]) => [FORMER_NAMES[key] ?? key, held as unknown])),
  );
}

/** A checkpoint with every entry of its metadata in former JSON. */
function formerBytes(bytes: Uint8Array): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const former = [...metadata]
    .filter(([key]) => key !== 'sha256')
    .map(([key, text]) => [key, formerJson(JSON.parse(text))] as const);
  return writeSafetensors(tensors.values(), new Map(former));
}

const store = new MemoryStore();
let bytes: Uint8Array;
let events: GrpoEvent[];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'former-keys-'));
  const harness = new GrpoHarness(store);
  harness.onEvent((event) => {
    if (event.kind === 'step' && event.step === 1) {
      void harness.command({ kind: 'coefficient', branch: 0, value: 0.7 });
    }
  });
  const over = harness.run({ MBO: tinyBranch() });
  await harness.next('finished');
  bytes = [...store.saved.values()].at(-1)?.payload ?? new Uint8Array();
  events = structuredClone(store.recorded.get('collapse')?.events ?? []) as GrpoEvent[];
  await harness.command({ kind: 'stop' });
  await over;
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what earlier versions stored', () => {
  it('checkpoint: the moves of the coefficient', () => {
    const former = formerBytes(bytes);
    expect(readSafetensors(former).metadata.get('run')).toMatch(/"dialMoves":\[\{/u);
    const { state } = readGrpoCheckpoint(former);
    expect(state.coefficientMoves).toEqual([{ step: 1, value: 0.7 }]);
    expect(readGrpoCheckpoint(former)).toEqual(readGrpoCheckpoint(bytes));
  });

  it('kept branch: the history with the balance of each step', () => {
    const former = formerBytes(bytes);
    expect(readSafetensors(former).metadata.get('branch')).toMatch(/"tales":\[\{.*"dial":0\.7/su);
    const { history } = readKeptBranch(former);
    expect(history.some((event) => event.kind === 'step' && event.balance.coefficient === 0.7)).toBe(true);
    expect(readKeptBranch(former)).toEqual(readKeptBranch(bytes));
  });

  it('record of an unfinished branch: the coefficient it began with', () => {
    const [input] = store.runInputs;
    if (input === undefined) throw new Error('no run was begun');
    const record = { ...(JSON.parse(input.configJson) as object), coefficient: 0.4 };
    const run = { ...input, state: 'interrupted' as const, lastCheckpoint: null };
    const offersFrom = (configJson: string) => demonstrationOffers({ runs: [{ ...run, configJson }] });
    const offers = offersFrom(formerJson(record));
    expect(offers[0]?.request.branches[0]?.kept?.coefficient).toBe(0.4);
    expect(offers).toEqual(offersFrom(JSON.stringify(record)));
  });

  it('recording of a finished demonstration: its events', async () => {
    const former = JSON.parse(formerJson(events)) as unknown[];
    const record = { view: 'collapse', endedAt: 0, events: former };
    const client = { record: () => Promise.resolve(record) } as unknown as Parameters<typeof recalled>[0];
    const read = await recalled(client, 'collapse', GrpoEventSchema);
    expect(read?.filter(({ kind }) => kind === 'step')).toHaveLength(4);
    expect(read).toEqual(events);
  });

  it('step records of a run folder: the balance', async () => {
    const run = new RunFolder(join(folder, 'run'));
    await mkdir(run.path);
    const steps = events.filter((event) => event.kind === 'step');
    await writeFile(join(run.path, 'steps.jsonl'), steps.map((step) => `${formerJson(step)}\n`).join(''));
    expect(await run.readRecords(9)).toEqual(steps);
  });
});
