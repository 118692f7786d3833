/**
 * The action of `lab piar`.
 */
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { LabError } from '../common/errors.ts';
import { piarReport } from '../studies/piar-report.ts';
import { splitForPiar } from '../runs/piar-split.ts';
import { reportMarkdown } from '../studies/report.ts';
import { printInstruction } from '../relevance/rules/instruction-text.ts';
import { type Instruction, instructionToJson } from '../relevance/rules/instruction.ts';
import { scaleOfSize } from '../relevance/pair/labels.ts';
import { endpointRefiner } from '../relevance/piar/piar-endpoint.ts';
import { greedyRefiner } from '../relevance/piar/piar-greedy.ts';
import { type PiarRound, type Refiner, runPiar } from '../relevance/piar/piar.ts';
import { startInstruction } from '../relevance/rules/start-instruction.ts';
import { formatTrace } from '../relevance/trace/trace.ts';
import { synthesiseTraces } from '../relevance/rules/trace-synthesis.ts';
import { LEXICON_FILE, readInstructionFile } from './instruction-files.ts';
import { interruption } from './interruption.ts';
import { readJudgedPairs } from './judged-pairs.ts';
import type { ReadingOptions } from './pair-files.ts';
import { checkOutputFolder, writeTogether } from './outputs.ts';
import { note, print } from './terminal.ts';

interface PiarCommandOptions extends ReadingOptions {
  readonly scale: number;
  readonly rounds: number;
  readonly seed: number;
  readonly start?: string;
  readonly endpoint?: string;
  readonly model?: string;
  readonly keyEnv?: string;
  readonly out: string;
  readonly force?: boolean;
}

const RESULT_FILES = [
  'history.json',
  'instruction.json',
  'instruction.txt',
  LEXICON_FILE,
  'traces.jsonl',
  'report.md',
] as const;

export async function runPiarCommand(paths: readonly string[], options: PiarCommandOptions): Promise<void> {
  const { docs, queries, start: startPath, force } = options;
  const lexiconPath = startPath === undefined ? undefined : join(dirname(startPath), LEXICON_FILE);
  await checkOutputFolder(options.out, RESULT_FILES, {
    inputs: [...paths, docs, queries, startPath, lexiconPath],
    force,
  });
  const scale = scaleOfSize(options.scale);
  const refiner = refinerOf(options);
  const start = options.start === undefined ? startInstruction(scale.size) : await readInstructionFile(options.start);
  if (start.scaleSize !== scale.size) {
    throw new LabError('bad-instruction', {
      message: `The instruction of ${options.start ?? ''} is for another scale.`,
      expected: `${scale.size} labels`,
      got: `${start.scaleSize}`,
      fix: 'Name the scale of the file with --scale.',
    });
  }
  const pairs = await readJudgedPairs(paths, { ...options, scale });
  const split = splitForPiar(pairs, options.seed);
  note(
    `${split.train.length} pairs to propose on, ${split.dev.length} to accept by, ${split.test.length} to report on.`,
  );

  const signal = interruption();
  const history = await runPiar({ ...split, test: () => split.test }, start, refiner, {
    rounds: options.rounds,
    signal,
    onRound: (round) => note(describeRound(round)),
  });
  const { instruction } = history.last;
  const { traced, counts } = synthesiseTraces(instruction, split.lexicon, [
    ...split.train,
    ...split.dev,
    ...split.test,
  ]);
  const name = paths.map((path) => basename(path)).join(', ');
  const traces = traced.map(({ pair: { query, document, label }, trace }) =>
    JSON.stringify({
      query,
      docId: document.docId,
      label,
      trace,
      text: formatTrace(trace, (rule) => ruleName(instruction, rule), scale),
    }),
  );
  const files: Readonly<Record<(typeof RESULT_FILES)[number], string>> = {
    'history.json': `${JSON.stringify({ seed: options.seed, data: name, ...history }, null, 1)}\n`,
    'instruction.json': `${instructionToJson(instruction)}\n`,
    'instruction.txt': printInstruction(instruction),
    [LEXICON_FILE]: `${JSON.stringify(split.lexicon.data, null, 1)}\n`,
    'traces.jsonl': traces.map((line) => `${line}\n`).join(''),
    'report.md': reportMarkdown(piarReport(history, { name, scale, seed: options.seed, traces: counts })),
  };
  await writeTogether(options.out, new Map(Object.entries(files)));

  const { first, last } = history.test;
  note(`Stopped: ${history.stopped}. Results in ${options.out}.`);
  print(
    `test accuracy ${first.accuracy.toFixed(3)} -> ${last.accuracy.toFixed(3)} on ${last.queries} queries, ${last.pairs} pairs`,
  );
  print(`coverage ${first.coverage.toFixed(3)} -> ${last.coverage.toFixed(3)}`);
  print(`verified traces to the gold label: ${counts.traced} of ${counts.pairs} pairs`);
}

function refinerOf({ endpoint, model, keyEnv }: PiarCommandOptions): Refiner {
  if (endpoint === undefined) {
    if (model !== undefined || keyEnv !== undefined) {
      throw new LabError('bad-config', {
        message: '--model and --key-env require --endpoint.',
        fix: 'Give --endpoint too.',
      });
    }
    return greedyRefiner();
  }
  if (model === undefined) {
    throw new LabError('bad-config', { message: "The endpoint needs a model's name.", fix: 'Give --model.' });
  }
  const apiKey = keyEnv === undefined ? undefined : process.env[keyEnv];
  if (keyEnv !== undefined && apiKey === undefined) {
    throw new LabError('bad-config', { message: `The environment variable ${keyEnv} is not set.` });
  }
  return endpointRefiner({ url: endpoint, model, apiKey });
}

function describeRound({ round, rules, train, dev, proposals }: PiarRound): string {
  const kept = proposals.filter(({ accepted }) => accepted).length;
  return (
    `Round ${round}: ${rules} rules, train ${train.accuracy.toFixed(3)}, dev ${dev.accuracy.toFixed(3)}; ` +
    `${kept} of ${proposals.length} proposals kept.`
  );
}

function ruleName({ rules }: Instruction, index: number): string {
  return rules[index]?.id ?? `${index}`;
}
