/**
 * `lab world`: shows or writes the rule world.
 */
import { Command, Option } from 'commander';
import { instructionToText } from '../../relevance/rules/instruction.ts';
import { DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { makeRuleWorld, type WorldPair } from '../../relevance/world/rule-world.ts';
import { formatTrace } from '../../relevance/trace/trace.ts';
import { SPLITS, type Split } from '../../relevance/world/world-vocabulary.ts';
import { wholeNumber } from '../options.ts';
import { checkOutputFile, forceOption, writeOutput } from '../outputs.ts';
import { WORLD_OPTIONS } from '../runs/run-options.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { note, print } from '../terminal.ts';

interface WorldOptions {
  readonly split: Split;
  readonly queries?: number;
  readonly show: number;
  readonly out?: string;
  readonly force?: boolean;
}

export function worldCommand(): Command {
  const command = new Command('world')
    .addOption(new Option('--split <name>', 'which part').choices(SPLITS).default('test'))
    .option('--queries <n>', 'how many queries of the split (default: all)', wholeNumber(1))
    .option('--show <n>', 'how many pairs to show', wholeNumber(0), 3)
    .option('--out <file>', 'write the pairs as JSON lines, with labels and gold traces')
    .addOption(forceOption());
  return WORLD_OPTIONS.addTo(command)
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- world                              the instruction and three pairs
  npm run lab -- world --split train --out pairs.jsonl`,
    )
    .action((options: WorldOptions) => runWorld(options, WORLD_OPTIONS.explicitIn(command)));
}

async function runWorld(options: WorldOptions, explicit: readonly ExplicitSetting[]): Promise<void> {
  const rules = { inputs: [], force: options.force };
  if (options.out !== undefined) await checkOutputFile(options.out, rules);
  const world = makeRuleWorld(WORLD_OPTIONS.apply({}, explicit));
  const queries = Math.min(options.queries ?? Infinity, world.queryCount(options.split));
  if (options.out !== undefined) {
    let count = 0;
    const lines = function* (): Generator<string> {
      for (const { queryId, query, document, label, goldTrace } of world.pairs(options.split, 0, queries)) {
        count += 1;
        yield `${JSON.stringify({ queryId, query, document, grade: label, goldTrace })}\n`;
      }
    };
    await writeOutput(options.out, rules, lines());
    note(`Wrote ${count.toLocaleString('en')} pairs of ${queries.toLocaleString('en')} queries to ${options.out}.`);
    return;
  }
  print(`World ${world.versionHash} (seed ${world.config.seed})`);
  print(instructionToText(world.instruction, DEFAULT_SCALE));
  let shown = 0;
  for (const pair of world.pairs(options.split, 0, queries)) {
    if (shown++ >= options.show) break;
    print(`\n${describePair(pair)}`);
    print(formatTrace(pair.goldTrace, (rule) => world.instruction.rules[rule]?.id ?? String(rule), DEFAULT_SCALE));
  }
}

function describePair({ query, document }: WorldPair): string {
  const { docId: _docId, ...fields } = document;
  return `query     ${query}\ndocument  ${JSON.stringify(fields)}`;
}
