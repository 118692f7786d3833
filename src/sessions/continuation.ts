/** The settings of a run of the page that continues a model: as they are stored, or those that fit a file that was read. */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import { continuationOf, learnedBy, type Replay, REPLAY_SHARE } from '../runs/sft-continuation.ts';
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
  return continuationOf(PLACE, asked, start, dataSet, await replayFor(start, dataSet, library));
}

/** What a start can repeat: a rule world that can be made again, or another file that is still kept here. */
async function replayFor({ card }: WeighedStart, dataSet: DataSet, library: DataLibrary): Promise<Replay | undefined> {
  const data = learnedBy(card);
  if (data === undefined || (data.kind === 'file' && data.sha256 === dataSet.sha256)) return undefined;
  if (data.kind === 'file' && !(await library.has(data))) return undefined;
  return { share: REPLAY_SHARE, data };
}
