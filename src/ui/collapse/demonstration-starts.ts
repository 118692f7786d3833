/**
 * Checkpoints of supervised runs that a demonstration can start from, with the data that they learned from.
 */
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import { parseSftExperiment } from '../../protocol/sft-experiment.ts';
import type { DemonstrationData } from './demonstration.ts';
import type { StartOption } from './lab-collapse-source.ts';

/** A checkpoint to start from. */
export interface DemonstrationStart extends StartOption {
  /** Its training data, including rules. */
  readonly data: DemonstrationData;
  /** The number of labels on its scale. */
  readonly scaleSize: number;
}

/** The possible starts, newest first, without checkpoints whose settings this version cannot read. */
export function demonstrationStarts(overview: CheckpointOverview | undefined): DemonstrationStart[] {
  return (overview?.checkpoints ?? [])
    .filter(({ kind }) => kind === 'sft')
    .flatMap(({ id, name, configJson }) => {
      try {
        const { data, prompt } = parseSftExperiment(name, JSON.parse(configJson));
        return [{ id, name, data, scaleSize: prompt.scaleSize }];
      } catch {
        return [];
      }
    });
}
