/**
 * `bench -- device`: measures one device part by part within a budget of time, and keeps what was found in one JSON file
 * (src/protocol/device-report.ts). A part that fits no more is named as not run; another run with the same file measures
 * what is missing.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { currentCommit } from '../../../src/cli/current-commit.ts';
import { note } from '../../../src/cli/terminal.ts';
import { LabError, messageOf } from '../../../src/common/errors.ts';
import { LAB_VERSION } from '../../../src/common/version.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import {
  type Device,
  type DevicePart,
  type DeviceReport,
  DeviceReportSchema,
  PART_NAMES,
  type PartName,
  ratedFigures,
} from '../../../src/protocol/device-report.ts';
import type { BenchBackend } from '../backend-pair.ts';
import { pagesInChromium } from '../chromium-bench.ts';
import type { PartResult } from './device-parts.ts';

/** The settings of the benchmark. */
export interface DeviceBench {
  readonly backend: BenchBackend;
  readonly adapter?: string | undefined;
  /** In Chromium instead of Node. */
  readonly browser?: boolean | undefined;
  readonly minutes: number;
  /** Only these parts. Default: all. */
  readonly parts: readonly PartName[];
  readonly out: string;
  /** Whether parts that the file has already are measured again. */
  readonly anew?: boolean | undefined;
}

/** Measures a part; undefined if it did not end in time, and was stopped. */
type Measure = (part: PartName, withinMs: number) => Promise<PartResult | undefined>;

/** No part begins with less time than this. */
const LEAST_MS = 15_000;
/** While other parts wait, a part gets this share of the time that is left, so that no slow one takes it from all. */
const SHARE = 1 / 2;

/**
 * Runs the benchmark and writes the file after each part.
 *
 * @throws {LabError} `bad-config` if the file is of another device, engine or commit; `no-backend`
 */
export async function benchDevice(bench: DeviceBench): Promise<DeviceReport> {
  const { minutes, out, parts, anew = false } = bench;
  const endMs = performance.now() + 60_000 * minutes;
  let report = anew ? undefined : readReport(out);
  checkCommit(report, out);
  await measuring(bench, async (measure) => {
    const missing = PART_NAMES.filter((part) => {
      const isDone = report?.parts[part]?.state === 'done' || report?.parts[part]?.state === 'skipped';
      return parts.includes(part) && !isDone;
    });
    for (const [i, part] of missing.entries()) {
      const leftMs = Math.max(0, endMs - performance.now());
      const withinMs = i === missing.length - 1 ? leftMs : SHARE * leftMs;
      const found = withinMs < LEAST_MS ? 'late' : await measured(part, withinMs, measure);
      if (found === 'late') {
        const given = `Of ${minutes} min, ${Math.round(withinMs / 1000)} s were left for it`;
        const why = `${given}. Run the command again to measure it, with more --minutes if that is too little.`;
        report = withPart(report, part, { state: 'not run', why }, out);
        continue;
      }
      report = withPart(withDevice(report, found.device, out), part, found.part, out);
    }
  });
  if (report === undefined) throw new LabError('no-backend', { message: 'Nothing could be measured.' });
  return report;
}

async function measured(
  part: PartName,
  withinMs: number,
  measure: Measure,
): Promise<'late' | { readonly device: Device | undefined; readonly part: DevicePart }> {
  note(`${part}: measuring`);
  const result = await measure(part, withinMs);
  if (result === undefined) return 'late';
  if ('skipped' in result) return { device: undefined, part: { state: 'skipped', why: result.skipped } };
  if ('failed' in result) {
    if (result.code === 'no-backend') {
      const fix = 'Name another with --backend or --adapter: "--backend wasm" runs everywhere.';
      throw new LabError('no-backend', { message: result.failed, fix });
    }
    return { device: undefined, part: { state: 'failed', why: result.failed.slice(0, 2000) } };
  }
  const { device, findings, seconds } = result.outcome;
  return { device, part: { state: 'done', seconds: Number(seconds.toFixed(1)), ...findings } };
}

/** Gives a way to measure a part in a process or a page of its own. */
async function measuring(bench: DeviceBench, action: (measure: Measure) => Promise<void>): Promise<void> {
  const { backend, adapter, browser = false } = bench;
  if (browser) {
    await pagesInChromium(adapter, async (open) => {
      await action(async (part, withinMs) => {
        const { page, close } = await open();
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), withinMs)));
        const result = page.device(part, backend).catch((thrown: unknown) => {
          return { failed: messageOf(thrown), code: undefined } as const; // for example the page ran out of memory
        });
        const first = await Promise.race([result, late]);
        clearTimeout(timer);
        await close();
        return first;
      });
    });
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-device-'));
  try {
    const choices = join(folder, 'variants.json'); // none at first, so that the first step is cold
    await action((part, withinMs) =>
      inChild([part, backend, choices, ...(adapter === undefined ? [] : [adapter])], withinMs),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CHILD = fileURLToPath(new URL('device-child.ts', import.meta.url));

async function inChild(args: readonly string[], withinMs: number): Promise<PartResult | undefined> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let [output, isLate] = ['', false];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL'); // a driver may not let go otherwise
  }, withinMs);
  const ended = await new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(signal ?? String(code)));
  });
  clearTimeout(timer);
  if (isLate) return undefined;
  const line = output.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as PartResult;
  return { failed: `The process ended with ${ended}, perhaps for want of memory.`, code: undefined };
}

function readReport(out: string): DeviceReport | undefined {
  if (!existsSync(out)) return undefined;
  return parseConfig(out, DeviceReportSchema, JSON.parse(readFileSync(out, 'utf8')));
}

/** @throws {LabError} `bad-config` */
function checkCommit(report: DeviceReport | undefined, out: string): void {
  const commit = currentCommit();
  if (report !== undefined && report.lab.commit !== commit) throw otherReport(out, report.lab.commit, commit);
}

function withDevice(
  report: DeviceReport | undefined,
  device: Device | undefined,
  out: string,
): DeviceReport | undefined {
  if (device === undefined) return report;
  if (report === undefined) {
    const lab = { version: LAB_VERSION, commit: currentCommit() };
    return { schemaVersion: 1, form: 'whole', startedAt: new Date().toISOString(), lab, device, parts: {} };
  }
  const [before, now] = [report.device, device].map(({ backend, adapter, engine }) =>
    JSON.stringify({ backend, adapter, engine }),
  );
  if (before !== now) throw otherReport(out, before ?? '', now ?? '');
  return report;
}

function otherReport(out: string, before: string, now: string): LabError {
  return new LabError('bad-config', {
    message: `${out} was measured on another device or by another version.`,
    expected: before,
    got: now,
    fix: 'Name another file with --out, or measure all parts again with --anew.',
  });
}

/** With a part added, in the order of the parts, and written. Without a device there is nothing to write yet. */
function withPart(
  report: DeviceReport | undefined,
  part: PartName,
  found: DevicePart,
  out: string,
): DeviceReport | undefined {
  note(`${part}: ${found.state}${'why' in found ? `, ${found.why}` : ` in ${found.seconds.toFixed(0)} s`}`);
  if (report === undefined) return undefined;
  const all = new Map<string, DevicePart>([...Object.entries(report.parts), [part, found]]);
  const ordered = PART_NAMES.flatMap((name) => {
    const one = all.get(name);
    return one === undefined ? [] : [[name, one] as const];
  });
  const next: DeviceReport = { ...report, parts: Object.fromEntries(ordered) };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.part`, `${JSON.stringify(rounded(next), undefined, 2)}\n`);
  renameSync(`${out}.part`, out);
  return next;
}

/** With figures of five digits, which is more than is repeatable. */
function rounded(report: DeviceReport): DeviceReport {
  const parts = Object.entries(report.parts).map(([name, part]) => {
    if (part.state !== 'done') return [name, part];
    const figures = part.figures.map((figure) => ({ ...figure, value: Number(figure.value.toPrecision(5)) }));
    return [name, { ...part, figures }];
  });
  return { ...report, parts: Object.fromEntries(parts) as DeviceReport['parts'] };
}

/** The report as text. */
export function deviceReport(report: DeviceReport): string[] {
  const { device, parts } = report;
  const { backend, name, kind, engine } = device;
  const lines = [`${name} (${kind}), ${backend}, ${engine}`];
  for (const part of PART_NAMES) {
    const found = parts[part];
    if (found === undefined) continue;
    lines.push('', `${part}: ${found.state}${'why' in found ? `. ${found.why}` : ''}`);
    if (found.state !== 'done') continue;
    for (const { name: figure, value, unit, share, of } of ratedFigures(report, part)) {
      const ofRate = share === null || of === undefined ? '' : `  ${(100 * share).toFixed(1)} % of ${of}`;
      lines.push(`  ${figure.padEnd(56)} ${Number(value.toPrecision(4)).toString().padStart(9)} ${unit}${ofRate}`);
    }
    if (found.checks.length > 0) {
      const wrong = found.checks.filter(({ isRight }) => !isRight);
      lines.push(`  ${found.checks.length - wrong.length} of ${found.checks.length} checks are right`);
      for (const { name: check, detail } of wrong) lines.push(`  WRONG ${check}: ${detail}`);
    }
    for (const remark of found.remarks) lines.push(`  ${remark}`);
  }
  return lines;
}
