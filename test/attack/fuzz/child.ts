/** The process of the fuzzer that runs cases and reports them; its parent is main.ts. */
import process from 'node:process';
import { findToJson, runCase, targetsNamed } from './fuzz.ts';
import type { Report } from './main.ts';

const REPORT_MS = 1000;

const { seed, target, from, to, isCareful } = JSON.parse(process.env['FUZZ'] ?? '{}') as {
  seed: string;
  target: string;
  from: number;
  to: number;
  /** Whether to report each case, so that the one that ends this process is known. */
  isCareful: boolean;
};
const only = targetsNamed(target);

// Without its parent nobody hears of what it finds.
process.once('disconnect', () => process.exit());

let cases: Report['cases'][number][] = [];
let finds: Report['finds'][number][] = [];
let reportedMs = performance.now();
for (let number = from; number < to; number++) {
  const { find, ...outcome } = await runCase(seed, number, only);
  cases.push(outcome);
  if (find !== undefined) finds.push({ target: find.target, kind: find.kind, number, what: find.what, json: findToJson(find) }); // prettier-ignore
  if (!isCareful && performance.now() - reportedMs < REPORT_MS && number + 1 < to) continue;
  const rssMib = Math.ceil(process.resourceUsage().maxRSS / 1024);
  const report: Report = { next: number + 1, rssMib, cases, finds };
  await new Promise((resolve) => process.send?.(report, resolve));
  [cases, finds, reportedMs] = [[], [], performance.now()];
}
process.disconnect();
