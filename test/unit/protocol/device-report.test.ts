import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.ts';
import {
  type DeviceReport,
  DeviceReportSchema,
  ratedFigures,
  reportFileName,
} from '../../../src/protocol/device-report.ts';

const DEVICES = 'docs/devices';

describe('reports of devices', () => {
  const files = readdirSync(DEVICES).filter((name) => name.endsWith('.json'));

  it.each(files)('%s is whole, says what was not measured and why, and found nothing wrong', (name) => {
    const report = parseConfig(name, DeviceReportSchema, JSON.parse(readFileSync(`${DEVICES}/${name}`, 'utf8')));
    const checks = Object.values(report.parts).flatMap((part) => (part.state === 'done' ? part.checks : []));
    expect(checks.length).toBeGreaterThan(0);
    expect(checks.filter(({ isRight }) => !isRight)).toEqual([]);
  });

  it('come from no hardware GPU yet, as page, README and docs say', () => {
    const isMeasured = files.some((name) => {
      const text = readFileSync(`${DEVICES}/${name}`, 'utf8');
      return parseConfig(name, DeviceReportSchema, JSON.parse(text)).device.kind === 'hardware GPU';
    });
    const said = ['README.md', 'docs/page.md', `${DEVICES}/README.md`, 'src/ui/device/lab-device-view.ts'].map((file) =>
      readFileSync(file, 'utf8').includes('No hardware GPU has been measured yet'),
    );
    expect(said).toEqual(said.map(() => !isMeasured));
  });

  const report = {
    device: { name: 'Some GPU (X-1): 30%', backend: 'webgpu' },
    form: 'short',
    parts: {
      rates: {
        state: 'done',
        seconds: 1,
        figures: [
          { name: 'products', value: 200, unit: 'GFLOP/s' },
          { name: 'copies', value: 0.5, unit: 'GB/s' },
        ],
        checks: [],
        remarks: [],
      },
      score: {
        state: 'done',
        seconds: 1,
        figures: [
          { name: 'maps', value: 50, unit: 'GFLOP/s', of: 'products' },
          { name: 'pairs', value: 7, unit: 'pairs/s' },
        ],
        checks: [],
        remarks: [],
      },
      step: { state: 'not run', why: 'late' },
    },
  } as unknown as DeviceReport;

  it('give figures as shares of the rates that they have themselves', () => {
    expect(ratedFigures(report, 'score').map(({ share }) => share)).toEqual([0.25, null]);
    expect(ratedFigures(report, 'rates').map(({ share }) => share)).toEqual([null, null]);
    expect(ratedFigures(report, 'step')).toEqual([]);
    const unrated = { parts: { score: report.parts.score } } as DeviceReport;
    expect(ratedFigures(unrated, 'score').map(({ share }) => share)).toEqual([null, null]);
  });

  it('have a name for their file', () => {
    expect(reportFileName(report)).toBe('some-gpu-x-1-30-webgpu-short.json');
  });

  it.each([{ ...report, schemaVersion: 1, extra: 1 }, { ...report, schemaVersion: 2 }, { schemaVersion: 1 }, null])(
    'that are not whole are refused: %#',
    (value) => {
      expect(() => parseConfig('A report', DeviceReportSchema, value)).toThrow(/not usable/u);
    },
  );
});
