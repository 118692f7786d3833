/**
 * What a reader takes home: the curves of recordings and their guesses as a table.
 */
import type { Recording } from '../../../protocol/recording.ts';
import { quoted } from '../parts/results.ts';

/** The curves of recordings as CSV, a line per run and measurement. */
export function curvesCsv(recordings: readonly Recording[]): string {
  const head =
    'run,seed,step,coefficient,reward,rareRecall,commonRecall,rulesCited,accuracy,labelEntropyNats,collapsed';
  const lines = recordings.flatMap(({ name, seed, frames }) =>
    frames.map(({ step, coefficient, measures: { probe, heldOut }, collapse }) =>
      [
        quoted(name),
        seed,
        step,
        coefficient ?? '',
        probe.reward,
        heldOut.tailRecall ?? '',
        heldOut.headRecall ?? '',
        heldOut.distinctRules,
        heldOut.accuracy ?? '',
        probe.labelEntropyNats,
        collapse.isCollapsed ? 1 : 0,
      ].join(','),
    ),
  );
  return [head, ...lines, ''].join('\n');
}

/** What was answered to each pair at each measurement as CSV. */
export function answersCsv({ pairs, rules, labelNames, frames }: Recording): string {
  const rule = (index: number): string => quoted(rules[index]?.id ?? '');
  const label = (index: number | undefined): string => quoted(labelNames[index ?? -1] ?? '');
  const lines = frames.flatMap(({ step, answers }) =>
    pairs.map((pair, i) =>
      [
        step,
        quoted(pair.query),
        quoted(pair.title),
        rule(pair.rule),
        label(pair.label),
        rule(answers.rules[i] ?? -1),
        label(answers.labels[i]),
      ].join(','),
    ),
  );
  return ['step,query,title,goldRule,goldLabel,citedRule,label', ...lines, ''].join('\n');
}
