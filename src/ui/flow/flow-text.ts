/**
 * The picture "where the answers went" in words.
 */
import { counted } from '../../common/counted.ts';
import type { Recording } from '../../protocol/recording.ts';
import { citations, ruleFate, shareOf } from './recording-facts.ts';
import { wholePercent } from '../parts/format.ts';

/** A measurement in a line. */
export function frameSummary(recording: Recording, frame: number): string {
  const at = recording.frames[frame];
  if (at === undefined) return 'nothing recorded';
  const deciding = citations(recording, frame).filter((count) => count > 0).length;
  const last = recording.frames.at(-1)?.step ?? at.step;
  const reward = at.measures.probe.reward.toFixed(2);
  const { distinctRules } = at.measures.heldOut;
  const where = last === 0 ? 'before training' : `step ${at.step} of ${last}`;
  return `${where}: reward ${reward}, ${distinctRules} rules cited, ${deciding} of them decide an answer`;
}

/** A rule and what became of it, a name first and then sentences. */
export function ruleSummary(recording: Recording, rule: number, frame: number): string[] {
  const info = recording.rules[rule];
  const cited = citations(recording, frame)[rule] ?? 0;
  if (info === undefined) return ['No rule', `${cited} answers cite none.`];
  const name = `${info.id}${info.isTail ? ' (rare)' : ''}`;
  const fate = ruleFate(recording, rule, frame);
  const { whole } = fate.citedNow;
  if (whole === 0) return [name, info.text, `It should decide none of these pairs, and decides ${cited}.`];
  const step = recording.frames[frame]?.step ?? 0;
  const sentences = [
    info.text,
    `Of ${counted(whole, 'pair')} that it should decide, it decides ${fate.citedBefore.part} at step 0 and ${fate.citedNow.part} ` +
      `at step ${step}; labels right: ${wholePercent(shareOf(fate.rightBefore))}, then ${wholePercent(shareOf(fate.rightNow))}.`,
  ];
  const replaced = recording.rules[fate.replacedBy]?.id;
  if (replaced !== undefined) sentences.push(`In its place: ${replaced}.`);
  const pair = fate.example === undefined ? undefined : recording.pairs[fate.example];
  if (pair !== undefined) {
    const details = pair.details === '' ? '' : ` (${pair.details})`;
    sentences.push(`For example \u201c${pair.query}\u201d and \u201c${pair.title}\u201d${details}.`);
  }
  return [name, ...sentences];
}
