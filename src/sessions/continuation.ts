/** The settings of a run of the page that continues a model: as they are stored, or those that fit a file that was read. */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import { continuationOf, learnedBy, REPLAY_SHARE } from '../runs/sft-continuation.ts';
import type { WeighedStart } from '../runs/sft-start.ts';
import type { DataLibrary } from './data-library.ts';

const PLACE = 'The experiment';
/** Settings that may name no start yet; checked in full once they are complete. */
const AskedSchema = v.looseObject({ data: v.looseObject({}) });

/**
 * @param value - settings; where they name no start, what was asked for
 * @throws {LabError} what `continuationOf` throws; `not-found` if the data have to be chosen again
 */
export async function continuationFor(
  value: unknown,
  start: WeighedStart,
  library: DataLibrary,
): Promise<SftExperiment> {
  const asked = parseConfig(PLACE, AskedSchema, value);
  if ('start' in asked) return parseSftExperiment(PLACE, asked);
  const { data } = parseSftExperiment(PLACE, { data: asked.data });
  if (data.kind !== 'file') throw new LabError('bad-config', { message: 'A model is continued on a file.' });
  const dataSet = await library.find(data);
  const repeated = learnedBy(start);
  const replay = repeated && { share: REPLAY_SHARE, data: repeated };
  return continuationOf(PLACE, asked, start, dataSet, replay);
}
