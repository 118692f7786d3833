/**
 * Scores the pairs of a file that have no score yet, as `lab score` does, in batches that are stored one by one. A
 * batch is one window of pairs scored together, so that resuming after the last batch gives the scores of an
 * uninterrupted run.
 */
import { asStream } from '../../common/as-stream.ts';
import type { JudgedFiles } from '../../checkpoint/judged-files.ts';
import type { KeptScores } from '../../checkpoint/judged-parts.ts';
import type { LabError } from '../../common/errors.ts';
import { SCORE_WINDOW, scoreStream } from '../../infer/score-pairs.ts';
import { checkSound, onSoundBackend } from '../../infer/sound-backend.ts';
import type { FileScoring, FileScoringEvent } from '../../protocol/files.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { checkSameScorer, type FileModel } from './file-model.ts';
import type { FileScores } from './file-scores.ts';
import type { JudgedRows } from './judged-rows.ts';
import { lockScoring, notReady, type OpenFile, readRows, scoringOf } from './open-file.ts';
import { checkScoredAlike } from './other-tabs.ts';

/** Stores a batch; `done` marks the last one. */
type KeepScores = (batch: KeptScores, state: 'running' | 'done') => Promise<void>;

interface ScoredPlace {
  readonly place: number;
  readonly probabilities: readonly number[];
  readonly isCut: boolean;
}

/** Pairs that are scored to warm up, and those on which the pace is measured. */
const WARM_UP = 16;
const MEASURED = 128;
/** A model that is slower than this while it warms up is measured on that alone. */
const SLOW_MS = 60;

/** The time that a pair takes, in milliseconds, by the first ones without their lists; undefined if they fail. */
export async function paceOf({ model, health }: FileModel, { rows }: JudgedRows): Promise<number | undefined> {
  const timed = async (from: number, count: number): Promise<number> => {
    const items = rows.slice(from, from + count);
    const start = performance.now();
    const hooks = { onUnfit: () => undefined };
    for await (const _ of scoreStream(model, asStream<PairRow>(items), undefined, hooks)); // only its time matters
    return (performance.now() - start) / Math.max(1, items.length);
  };
  try {
    return await onSoundBackend(health, async () => {
      const first = await timed(0, WARM_UP);
      return first * WARM_UP > SLOW_MS || rows.length <= WARM_UP ? first : timed(WARM_UP, MEASURED);
    });
  } catch {
    return undefined; // scoring will say why
  }
}

/** What scoring an open file needs besides. */
export interface OpenScoring {
  readonly store: Pick<JudgedFiles, 'keepScores' | 'update'>;
  /** The scores so far. */
  readonly readScores: (scoring: FileScoring) => Promise<FileScores>;
  /** Whether the file is still the open one; one that is being deleted has no state to store. */
  readonly isOpen: () => boolean;
  readonly send: (event: FileScoringEvent) => void;
  readonly signal: AbortSignal;
}

/**
 * Scores the open file until the end or an abort; each batch is stored before it is sent.
 *
 * @throws {LabError} `bad-config` without a model, and where another tab scores the file or has changed it; as scoring
 */
export async function scoreOpen(
  open: OpenFile,
  { store, readScores, isOpen, send, signal }: OpenScoring,
): Promise<'paused' | 'done'> {
  const { model } = open;
  const scoring = scoringOf(open.record);
  if (model === undefined || scoring === null) throw notReady();
  checkSameScorer(scoring, model.scoring);
  if (scoring.state === 'done') return 'done';
  const keepState = async (state: FileScoring['state']): Promise<void> => {
    const { record: seen } = open;
    open.record = await store.update(seen.id, (now) => {
      checkScoredAlike(seen, now);
      return { scoring: { ...scoring, state } };
    });
  };
  const release = await lockScoring(open.record);
  try {
    await keepState('running');
    const scores = await readScores(scoring);
    const keep: KeepScores = async (chunk, state) => {
      const { record: seen } = open;
      const change = { scored: scores.scored + chunk.places.length, scoring: { ...scoring, state } };
      await store.keepScores(seen.id, scores.chunks.length, chunk, (now) => {
        checkScoredAlike(seen, now);
        return change;
      });
      open.record = { ...open.record, ...change };
      scores.add(chunk);
      send({ kind: 'scores', scores: chunk });
    };
    await scoreRest(readRows(open), scores, scoring, model, { signal, keep });
    return 'done';
  } catch (thrown) {
    if (isOpen()) await keepState('paused');
    if (signal.aborted) return 'paused';
    throw thrown;
  } finally {
    release();
  }
}

/**
 * Scores the pairs without a score.
 *
 * @param scores - the scores so far; `keep` adds to them
 * @throws {LabError} `aborted`, `backend-lost`, `not-finite` naming the row, and what `keep` throws
 */
async function scoreRest(
  rows: JudgedRows,
  scores: FileScores,
  scoring: FileScoring,
  { model, health }: FileModel,
  { signal, keep }: { readonly signal: AbortSignal; readonly keep: KeepScores },
): Promise<void> {
  const first = (scores.chunks.at(-1)?.places.at(-1) ?? -1) + 1;
  const rest = pairsFrom(first, Math.min(scoring.pairs, rows.rows.length), (place) => rows.seenAt(place, model));
  let unfit: KeptScores['unfit'] = [];
  let batch: ScoredPlace[] = [];
  const keepBatch = async (state: 'running' | 'done'): Promise<void> => {
    checkSound(health);
    const kept: KeptScores = {
      places: Int32Array.from(batch, ({ place }) => place),
      probabilities: Float64Array.from(batch.flatMap(({ probabilities }) => [...probabilities])),
      cut: Uint8Array.from(batch, ({ isCut }) => (isCut ? 1 : 0)),
      unfit,
    };
    batch = [];
    unfit = [];
    await keep(kept, state);
  };
  const hooks = {
    nameOf: ({ row }: { readonly row: number }) => `row ${row} of ${rows.name}`,
    onUnfit: ({ row }: { readonly row: number }, { message }: LabError) => void unfit.push({ row, message }),
  };
  await onSoundBackend(health, async () => {
    for await (const { item, score, cutFields } of scoreStream(model, asStream(rest), signal, hooks)) {
      batch.push({ place: item.place, probabilities: score.probabilities, isCut: cutFields.length > 0 });
      if (batch.length === SCORE_WINDOW) await keepBatch('running');
    }
  });
  await keepBatch('done');
}

/** Pairs as the model sees them, each read when it is its turn, so that the first batch waits for no other list. */
function* pairsFrom(
  first: number,
  end: number,
  rowAt: (place: number) => PairRow | undefined,
): Generator<PairRow & { readonly place: number }> {
  for (let place = first; place < end; place++) {
    const row = rowAt(place);
    if (row !== undefined) yield { ...row, place };
  }
}
