/**
 * `npm run soak -- --minutes N [--where node|chromium] [--backend wasm|webgpu|cpu] [--every SECONDS]`: trains and
 * answers for a while, prints slopes after the warm-up, and keeps the curve in `.cache/soak`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type Sample, slopesOf } from './slopes.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    where: { type: 'string', default: 'both' },
    backend: { type: 'string', default: 'wasm' },
    every: { type: 'string', default: '10' },
  },
});
const [minutes, every] = [Number(values.minutes), Number(values.every)];
if (!(minutes > 0 && every > 0)) throw new Error('--minutes and --every are numbers above 0.');

if (values.where === 'both') {
  // One after the other, each in a process of its own.
  const rest = ['--minutes', values.minutes, '--every', values.every, '--backend', values.backend];
  const codes = ['node', 'chromium'].map((where) => {
    const script = process.argv[1] ?? '';
    return spawnSync(process.execPath, [...process.execArgv, script, ...rest, '--where', where], { stdio: 'inherit' }).status; // prettier-ignore
  });
  process.exit(codes.some((code) => code !== 0) ? 1 : 0);
}

const samples: Sample[] = [];
const path = `.cache/soak/${values.where}-${values.backend}.json`;
mkdirSync('.cache/soak', { recursive: true });
const onSample = (sample: Sample): void => {
  samples.push(sample);
  writeFileSync(path, JSON.stringify(samples));
};
if (values.where === 'node') {
  const { soakNode } = await import('./soak-node.ts');
  await soakNode(
    minutes,
    every,
    values.backend === 'webgpu' ? 'webgpu' : values.backend === 'cpu' ? 'cpu' : 'wasm',
    onSample,
  );
} else if (values.where === 'chromium') {
  const { soakChromium } = await import('./soak-chromium.ts');
  await soakChromium(minutes, every, values.backend, onSample);
} else throw new Error(`--where ${values.where} is neither node nor chromium.`);

const slopes = slopesOf(samples);
for (const { name, mean, perMinute, perAnswers, grows } of slopes) {
  process.stdout.write(`${name.padEnd(24)} ${Math.round(mean).toLocaleString('en').padStart(14)}  ${signed(perMinute)} a minute  ${signed(perAnswers)} per 1,000 answers${grows ? '  GROWS' : ''}\n`); // prettier-ignore
}
const last = samples.at(-1);
process.stdout.write(
  `${values.where}, ${values.backend}: ${samples.length} samples, ${last?.answers ?? 0} answers, step ${last?.steps ?? 0}; ${path}\n`,
);
process.exit(slopes.some(({ grows }) => grows) ? 1 : 0);

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(Math.round(value)).toLocaleString('en')}`.padStart(14);
}
