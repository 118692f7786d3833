/**
 * Checkpoints of supervised runs as what a demonstration can start from, with the data that they learned from.
 */
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import { parseSftExperiment } from '../../protocol/sft-experiment.ts';
import type { DemonstrationData } from './demonstration.ts';
import type { StartOption } from './lab-collapse-source.ts';

/** A checkpoint to start from. */
export interface DemonstrationStart extends StartOption {
  /** What it learned from, rules included. */
  readonly data: DemonstrationData;
  /** Labels on its scale. */
  readonly scaleSize: number;
}

/** The checkpoints that can be started from, the newest first; without those whose settings this version cannot read. */
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
