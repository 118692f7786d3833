/** A pair of an open file without some of its evidence, scored again with the standing that it would have. */
import * as v from 'valibot';
import { onSoundBackend } from '../../infer/sound-backend.ts';
import { answerByRules, firstReason, isRules, spokenTrace } from '../../infer/rules-model.ts';
import { scorePair } from '../../infer/score-pairs.ts';
import { LabError } from '../../common/errors.ts';
import type { Explained, Without } from '../../protocol/files.ts';
import { documentValues } from '../../relevance/pair/document-text.ts';
import { contentSequence, contentWords, textFolding } from '../../relevance/pair/text-folding.ts';
import { withoutEvidence } from '../../relevance/rules/counterfactual.ts';
import { checkSameScorer } from './file-model.ts';
import { foldingOf, notReady, type OpenFile, readRows, scoringOf } from './open-file.ts';

/** Pieces of evidence that are taken away. */
export const RemovedSchema = v.pipe(v.array(v.pipe(v.string(), v.maxLength(1000))), v.maxLength(100));

/** Pairs whose reasons are asked for at once. */
export const PlacesSchema = v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), v.maxLength(1000));

/** Words of a document that are shown as its evidence. */
const SHOWN_WORDS = 12;

/**
 * The words of a document that its query has too, and the score of the pair without some of its words.
 *
 * @param removed - pieces of the document, each at every occurrence; none for the words alone
 * @throws {LabError} `not-found` if there is no such pair, or nothing of what is removed is in it
 */
export async function scoreWithout(open: OpenFile, place: number, removed: readonly string[]): Promise<Without> {
  const rows = readRows(open);
  const version = foldingOf(open);
  const folding = textFolding(version);
  const pair = rows.rows[place]?.pair;
  if (pair === undefined) throw new LabError('not-found', { message: `There is no pair ${place} in this file.` });
  const asked = contentWords(folding, pair.query);
  const words = new Map<string, string>();
  for (const value of documentValues(pair.document)) {
    const found = folding.words(value);
    for (const { stem, at } of contentSequence(found)) {
      if (asked.has(stem) && words.size < SHOWN_WORDS && !words.has(stem)) words.set(stem, found[at] ?? '');
    }
  }
  if (removed.length === 0) return { words: [...words.values()], probabilities: null };
  const { model } = open;
  if (model === undefined) throw notReady();
  checkScorer(open);
  const evidence = removed.map((text) => ({ source: 'document' as const, text }));
  const edited = withoutEvidence(folding, pair, evidence);
  if (edited === undefined) {
    throw new LabError('not-found', { message: 'The document has nothing of this evidence.', got: removed.join(', ') });
  }
  const item = { ...edited, queryId: pair.queryId };
  const scorer = model.model;
  const standing = scorer.prompt.standing
    ? rows.standingOf(place, item, version, isRules(scorer) ? undefined : scorer.vectors)
    : {};
  const left = { ...item, ...standing };
  const { probabilities } = isRules(scorer)
    ? answerByRules(scorer, left).score
    : await onSoundBackend(model.health, () => scorePair(scorer, left));
  return { words: [...words.values()], probabilities: [...probabilities] };
}

/**
 * For each pair the first reason of its label, by the rules of what scores the file; null where these lead to another
 * label.
 */
export function reasonsAt(open: OpenFile, places: readonly number[]): (string | null)[] {
  const { model, scores } = open;
  if (model === undefined || scores === undefined || !model.scoring.givesReasons) return places.map(() => null);
  checkScorer(open);
  const { rows } = readRows(open);
  return places.map((place) => {
    const [pair, label] = [rows[place]?.pair, scores.recordOf(place)?.label];
    if (pair === undefined || label === undefined) return null;
    const reason = firstReason(model.model, pair);
    return reason?.label === label ? reason.sentence : null;
  });
}

/** What the rules that score a file say of a pair; null if a model scores it. */
export function explainByRules(open: OpenFile, place: number): Explained | null {
  const pair = readRows(open).placedAt(place, foldingOf(open))?.pair;
  const model = open.model?.model;
  if (pair === undefined || model === undefined || !isRules(model)) return null;
  checkScorer(open);
  const { trace } = answerByRules(model, pair);
  const evidence = trace.steps.flatMap((step) =>
    step.evidence.flatMap(({ source, text }) => (source === 'document' ? [text] : [])),
  );
  return { sentences: spokenTrace(model, trace), evidence: [...new Set(evidence)] };
}

/** What is said of a pair must be of the scorer of its score. @throws {LabError} `bad-config` if another is prepared */
function checkScorer({ record, model }: OpenFile): void {
  const scoring = scoringOf(record);
  if (scoring !== null && model !== undefined) checkSameScorer(scoring, model.scoring);
}
