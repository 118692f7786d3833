/** The settings of a run of the page that continues a model: as they are stored, or those that fit a file that was read. */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { parseSftExperiment, ReplayShareSchema, type SftExperiment } from '../protocol/sft-experiment.ts';
import { continuationOf, learnedBy, REPLAY_SHARE } from '../runs/sft-continuation.ts';
import type { WeighedStart } from '../runs/sft-start.ts';
import type { DataLibrary } from './data-library.ts';

const PLACE = 'The experiment';
/** Settings that may name no start yet; checked in full once they are complete. */
const AskedSchema = v.looseObject({
  data: v.looseObject({}),
  replayShare: v.optional(v.union([v.literal(0), ReplayShareSchema])),
});

/**
 * @param value - settings; where they name no start, what was asked for, `replayShare` as the option of `lab sft`
 * @throws {LabError} what `continuationOf` throws; `not-found` if the data have to be chosen again
 */
export async function continuationFor(
  value: unknown,
  start: WeighedStart,
  library: DataLibrary,
): Promise<SftExperiment> {
  const { replayShare = REPLAY_SHARE, ...asked } = parseConfig(PLACE, AskedSchema, value);
  if ('start' in asked) return parseSftExperiment(PLACE, asked);
  const { data } = parseSftExperiment(PLACE, { data: asked.data });
  if (data.kind !== 'file') throw new LabError('bad-config', { message: 'A model is continued on a file.' });
  const dataSet = await library.find(data);
  const repeated = replayShare === 0 ? undefined : learnedBy(start);
  const replay = repeated && { share: replayShare, data: repeated };
  return continuationOf(PLACE, asked, start, dataSet, replay);
}
