import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import { type DeviceReport, DeviceReportSchema } from '../../../src/protocol/device-report.ts';
import { benchDevice, deviceReport } from '../../bench/device/device-bench.ts';

describe('bench device', () => {
  let folder: string;
  let out: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'afrl-lab-bench-device-'));
    out = join(folder, 'devices', 'cpu.json');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const read = (): DeviceReport => parseConfig(out, DeviceReportSchema, JSON.parse(readFileSync(out, 'utf8')));

  it('judges every op against double precision, names what did not fit, and goes on from there', async () => {
    const bench = { backend: 'wasm', out, minutes: 10 } as const;
    await benchDevice({ ...bench, parts: ['checks'] });
    const before = read();
    expect(before.device).toMatchObject({ backend: 'wasm', kind: 'processor' });
    const checked = before.parts.checks;
    if (checked?.state !== 'done') throw new Error('not done');
    expect(checked.checks.length).toBeGreaterThan(7);
    expect(checked.checks.filter(({ isRight }) => !isRight)).toEqual([]);

    // No time at all: what is missing is named, what is there stays.
    await benchDevice({ ...bench, minutes: 0, parts: ['checks', 'parity', 'large-f16'] });
    expect(read().parts).toMatchObject({
      checks: checked,
      parity: { state: 'not run' },
      'large-f16': { state: 'not run' },
    });

    const after = await benchDevice({ ...bench, parts: ['checks', 'parity', 'large-f16'] });
    expect(read()).toEqual(after);
    expect(after.parts.checks, 'not measured again').toEqual(checked);
    expect(after.parts['large-f16']).toMatchObject({ state: 'skipped', why: /on a GPU alone/u });
    const { parity } = after.parts;
    if (parity?.state !== 'done') throw new Error('not done');
    expect(parity.checks.length).toBeGreaterThan(60);
    expect(parity.checks.filter(({ isRight }) => !isRight)).toEqual([]);
    expect(deviceReport(after).join('\n')).toMatch(/parity: done\n +(\d+) of \1 checks are right/u);
  });

  it('refuses to go on with the file of another commit or device', async () => {
    const report = read();
    const bench = { backend: 'wasm', out, minutes: 10, parts: ['checks'] } as const;
    writeFileSync(out, JSON.stringify({ ...report, lab: { version: '0', commit: 'other' } }));
    await expect(benchDevice(bench)).rejects.toMatchObject({ code: 'bad-config', message: /--anew/u });
    const device = { ...report.device, engine: 'Node v1' };
    writeFileSync(out, JSON.stringify({ ...report, device, parts: {} }));
    await expect(benchDevice(bench)).rejects.toMatchObject({ code: 'bad-config', message: /--out/u });
    writeFileSync(out, '{"schemaVersion": 2}');
    await expect(benchDevice(bench)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
