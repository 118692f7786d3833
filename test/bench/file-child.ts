/**
 * One pass over a file of pairs in a process of its own, so that its processor time and its memory are those of this
 * work alone. Prints them as one line of JSON.
 */
import process from 'node:process';
import { runCli } from '../../src/cli/run-cli.ts';
import { openFiles } from '../../src/cli/pair-files.ts';
import { LabError } from '../../src/common/errors.ts';
import { readGradedPairs } from '../../src/data/files/pairs-file.ts';
import { isRowError } from '../../src/data/files/records.ts';
import { CURRENT_FOLDING, textFolding } from '../../src/relevance/pair/text-folding.ts';
import { Bm25 } from '../../src/relevance/prompt/bm25.ts';
import { listed } from '../../src/relevance/prompt/listed.ts';

const [scorer = '', path = ''] = process.argv.slice(2);
const startMs = performance.now();
const pairs = scorer === 'bm25' ? await byBm25(path) : await byLab(scorer, path);
const { user, system } = process.cpuUsage();
const result = {
  pairs,
  wallSec: (performance.now() - startMs) / 1000,
  cpuSec: (user + system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0)); // Dawn keeps processes alive

/** Reads the pairs and orders those of each query by BM25, and nothing else. */
async function byBm25(file: string): Promise<number> {
  const { data } = await openFiles([file], {});
  const rows = [];
  for await (const item of readGradedPairs(data.pairs.open(), { fileName: file }, { needsGrade: false }))
    if (!isRowError(item)) rows.push(item);
  const pairs = rows.map(({ pair }) => pair);
  const folding = textFolding(CURRENT_FOLDING);
  return listed(pairs, Bm25.of(pairs.map(({ document }) => document), folding), undefined).length; // prettier-ignore
}

async function byLab(name: string, file: string): Promise<number> {
  let out = '';
  const options = name === 'rules' ? ['--rules-alone'] : ['--backend', 'wasm'];
  const code = await runCli(['score', file, ...options, '--json'], { out: { write: (text) => (out += text) } });
  if (code !== 0) throw new LabError('internal', { message: `lab score ended with ${code}.` });
  return (JSON.parse(out.trim().split('\n').at(-1) ?? '') as { pairs: number }).pairs;
}
