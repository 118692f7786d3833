/** `bench -- device` on the command line. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { wholeNumber } from '../../../src/cli/options.ts';
import { note, print } from '../../../src/cli/terminal.ts';
import { LabError } from '../../../src/common/errors.ts';
import { PART_NAMES, type PartName } from '../../../src/protocol/device-report.ts';
import { BENCH_BACKENDS } from '../backend-pair.ts';
import { benchDevice, type DeviceBench, deviceReport } from './device-bench.ts';

type DeviceOptions = Omit<DeviceBench, 'out' | 'parts'> & {
  readonly out?: string;
  readonly only?: PartName[];
  readonly json?: boolean;
};

export const device = new Command('device')
  .description('one device: self-checks, parity, rates, and every kind of work beside its peers, in one file')
  .option('--minutes <n>', 'time for all parts; what does not fit is left to another run', wholeNumber(1), 8)
  .option('--only <parts>', `only these parts, of ${PART_NAMES.join(',')}`, partNames)
  .addOption(new Option('--backend <name>', 'the backend').choices(BENCH_BACKENDS).default('webgpu'))
  .option('--adapter <name>', 'lavapipe, swiftshader, or the file of a Vulkan driver; default: the GPU')
  .option('--browser', 'in Chromium instead of Node')
  .option('-o, --out <file>', 'the report, which is continued if it exists (default: in docs/devices)')
  .option('--anew', 'measure again what the report has already')
  .option('--json', 'print the report as one line of JSON at the end')
  .action(async ({ json, only, ...options }: DeviceOptions) => {
    const { adapter = 'gpu', backend, browser } = options;
    const name = [backend === 'wasm' ? 'cpu' : adapter, backend, browser === true ? 'chromium' : 'node'].join('-');
    const out = options.out ?? join('docs/devices', `${name.replaceAll(/[^\w.-]+/gu, '-')}.json`);
    const report = await benchDevice({ ...options, out, parts: only ?? PART_NAMES });
    for (const line of deviceReport(report)) (json === true ? note : print)(line);
    if (json === true) print(JSON.stringify(report));
    else print(`\n${out}`);
  });

function partNames(text: string): PartName[] {
  const names = text.split(',');
  const known = PART_NAMES.filter((name) => names.includes(name));
  if (known.length === names.length) return known;
  throw new LabError('bad-config', {
    message: '--only has an unknown part.',
    expected: PART_NAMES.join(','),
    got: text,
  });
}
