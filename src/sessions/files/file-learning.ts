/**
 * Learning from a judged file: the lesson that its grades and corrections are, and the comparison of the model that
 * learned it with the one before.
 */
import * as v from 'valibot';
import type { JudgedFiles } from '../../checkpoint/judged-files.ts';
import { LabError } from '../../common/errors.ts';
import { newId } from '../../checkpoint/manifest.ts';
import { readDataSet } from '../../data/files/data-set-reader.ts';
import { givenBlob } from '../../data/kinds/given-file.ts';
import { openData } from '../../data/layouts/open-data.ts';
import { normaliseQuery } from '../../data/splits.ts';
import type { JudgedPair } from '../../relevance/pair/pair.ts';
import type { LabelScore } from '../../infer/score.ts';
import { onSoundBackend } from '../../infer/sound-backend.ts';
import type { FileScoring } from '../../protocol/files.ts';
import { type Learning, LearningSchema, type Lesson, type ModelComparison } from '../../protocol/learning.ts';
import { parseConfig } from '../../config/parse.ts';
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import { FEW_QUERIES, compareContinuation, isUnseenBy, predictionsOf } from '../../runs/compared-models.ts';
import { splitFile } from '../../runs/file-data.ts';
import { continuedData } from '../../runs/sft-continuation.ts';
import { judgedPairsFile } from './file-export.ts';
import type { FileModel } from './file-model.ts';
import type { FileScores } from './file-scores.ts';
import type { JudgedRows } from './judged-rows.ts';
import { notReady, type OpenFile, scoringOf } from './open-file.ts';

/**
 * Keeps how far the lesson of a file came, whichever file is open.
 *
 * @throws {LabError} `not-found` if the file was deleted; `bad-config` if another lesson was begun in another tab
 */
export async function keepLesson(
  store: Pick<JudgedFiles, 'update'>,
  fileId: string,
  learning: Learning | null,
): Promise<void> {
  const checked = learning === null ? null : parseConfig('A lesson', LearningSchema, learning);
  await store.update(fileId, (now) => {
    const before = learningOf(now);
    if (checked !== null && before !== null && before.runId !== checked.runId) throw anotherLesson();
    return { learning: checked };
  });
}

function anotherLesson(): LabError {
  return new LabError('bad-config', {
    message: 'Another lesson of this file was begun in another tab.',
    fix: 'Finish or discard that one first.',
  });
}

/**
 * The scores and the lesson that a comparison needs.
 *
 * @throws {LabError} `aborted` if another file is open by now; `bad-config` unless the model that learned began with the
 *   one that scores the file, and all scores are there
 */
export function comparableOf({ record }: OpenFile, fileId: string): { scoring: FileScoring; learning: Learning } {
  if (record.id !== fileId) throw new LabError('aborted', { message: 'Another file was opened.' });
  const [scoring, learning] = [scoringOf(record), learningOf(record)];
  if (scoring === null || learning === null) throw notReady();
  const { from, fromName } = learning;
  const { choice, modelName, state } = scoring;
  const place = 'The comparison with the model before';
  if (choice.kind !== from.kind || choice.id !== from.id) {
    throw new LabError('bad-config', {
      message: `${place} needs its scores, but another model scores the file.`,
      expected: `scores of ${fromName}`,
      got: `scores of ${modelName}`,
      fix: `Score the file with ${fromName} again, then compare.`,
    });
  }
  if (state === 'done') return { scoring, learning };
  throw new LabError('bad-config', {
    message: `${place} needs all of its scores, but the file is not scored to its end.`,
    expected: `${scoring.pairs} scored pairs`,
    got: String(record.scored),
    fix: 'Continue scoring, then compare.',
  });
}

/** What a file has taught before, as it is kept; null for nothing that this version reads. */
export function learningOf({ learning }: OpenFile['record']): Learning | null {
  const read = v.safeParse(LearningSchema, learning);
  return read.success ? read.output : null;
}

/**
 * The grades and corrections of a file as a data set, with its queries split as the run will split them.
 *
 * @throws {LabError} `bad-config` where rules score the file; `bad-file` if it has too few queries or grades
 */
export async function lessonOf(rows: JudgedRows, scores: FileScores, scoring: FileScoring): Promise<Lesson> {
  if (scoring.choice.kind === 'rules') {
    throw new LabError('bad-config', { message: 'Rules do not learn.', fix: 'Score the file with a model first.' });
  }
  const file = await judgedPairsFile(rows, scores);
  const { pairs } = await openData([givenBlob(file.name, file.blob)], {});
  const { dataSet } = await readDataSet([pairs]);
  const R = scoring.gradeNames.length;
  const grades = scoring.gradeNames.map((_, label) => `${label}=${label}`).join(',');
  const data = continuedData('The data of the lesson', { grades }, dataSet);
  const { train, dev } = splitFile(data, R, dataSet);
  const queriesOf = (pairs: readonly { readonly query: string }[]): string[] => [
    ...new Set(pairs.map(({ query }) => normaliseQuery(query))),
  ];
  return {
    learning: {
      runId: newId(),
      name: `${scoring.modelName}, learned from ${rows.name}`.slice(0, 80),
      from: scoring.choice,
      fromName: scoring.modelName,
      pairs: train.length,
      queries: queriesOf(train).length,
      heldOut: queriesOf(dev),
      checkpointId: null,
      comparison: null,
    },
    file,
    grades,
  };
}

/**
 * The scores of the file beside those of the model that learned from it, on pairs of held-out queries that neither has
 * learned from.
 *
 * @throws {LabError} as scoring does
 */
export async function compareLearned(
  { heldOut }: Learning,
  { rows, scores, scoring }: { readonly rows: JudgedRows; readonly scores: FileScores; readonly scoring: FileScoring },
  { model, health, scoring: learned }: FileModel,
  signal: AbortSignal,
): Promise<ModelComparison> {
  const isUnseen = isUnseenBy(model.card);
  const held = new Set(heldOut.filter(isUnseen));
  const grades = scores.grades();
  const seen = rows.seenBy(model);
  const before: Prediction[] = [];
  const pairs: JudgedPair[] = [];
  for (const [place, { pair }] of seen.entries()) {
    const [gold, record] = [grades[place] ?? -1, scores.recordOf(place)];
    if (gold < 0 || record === undefined || !held.has(normaliseQuery(pair.query))) continue;
    const { queryId, document } = pair;
    const label = scoring.mapping[record.label] ?? record.label;
    before.push({ queryId, docId: document.docId, gold, label, score: scores.scores[place] ?? NaN });
    pairs.push({ ...pair, label: gold });
  }
  const read = ({ label, score }: LabelScore): Pick<Prediction, 'label' | 'score'> => {
    return { label: learned.mapping[label] ?? label, score };
  };
  const after = await onSoundBackend(health, () => predictionsOf(model, pairs, read, signal));
  const compared = compareContinuation(before, after, scoring.gradeNames.length);
  return { ...compared, isPreliminary: compared.queries < FEW_QUERIES };
}
