/**
 * What a reader takes home: the curves of recordings and their guesses as a table.
 */
import type { Recording } from '../../../protocol/recording.ts';

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

/** A field that a spreadsheet does not run as a formula. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
