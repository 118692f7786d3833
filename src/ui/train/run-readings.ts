/**
 * The small readings of a run: its cost, and the last evaluation on held-out pairs.
 */
import { html, nothing } from 'lit';
import type { TrainingEventOf } from '../../protocol/training.ts';
import { formatBytes, formatCount, formatDuration, formatPercent } from '../parts/format.ts';
import { reading } from '../parts/reading.ts';
import type { TrainingState } from '../parts/sessions/training-state.ts';

/** Shown where nothing has been measured. */
const DASH = '\u2013';

/** All readings of a run. */
export function runReadings({ log, checkpoint, weightsHash, evaluation }: TrainingState): unknown {
  return html`<dl class="readings">
      ${reading('Tokens/s', measured(log?.tokensPerSec, formatCount))}
      ${reading('A step takes', measured(log?.stepMs, formatDuration))}
      ${reading('Memory', measured(log?.memory.bytes, formatBytes))}
      ${reading('Tensors', measured(log?.memory.tensors, formatCount))}
      ${reading('Gradient norm', measured(log?.gradNorm, threeDigits))}
      ${reading('Learning rate', measured(log?.learningRate, threeDigits))}
      ${
        log?.lossScale === undefined
          ? nothing
          : [
              reading('Loss scale', formatCount(log.lossScale.scale)),
              reading('Steps skipped', formatCount(log.lossScale.skipped)),
            ]
      }
      ${reading(
        'Last checkpoint',
        measured(checkpoint?.step, (step) => `step ${formatCount(step)}`),
      )}
      ${
        weightsHash === undefined
          ? nothing
          : html`<div class="wide">
              <dt>Weights</dt>
              <dd><code class="weights">${weightsHash}</code></dd>
            </div>`
      }
    </dl>
    ${evaluation === undefined ? nothing : evaluationReadings(evaluation)}`;
}

function evaluationReadings(evaluation: TrainingEventOf<'evaluation'>): unknown {
  const { step, pairs, completions } = evaluation;
  const share = (value: number | null): string => measured(value, formatPercent);
  return html`<div>
    <h3 class="heading">On ${formatCount(pairs)} held-out pairs at step ${formatCount(step)}</h3>
    <dl class="readings">
      ${reading('Labels right', share(evaluation.accuracy))}
      ${reading('Pairs in order', share(evaluation.pairAccuracy))}
      ${reading('NDCG@10', measured(evaluation.ndcg10, threeDecimals))}
      ${reading('Macro-F1', measured(evaluation.macroF1, threeDecimals))}
      ${
        completions === 0
          ? nothing
          : [
              reading('Common rules', share(evaluation.headAccuracy)),
              reading('Rare rules', share(evaluation.tailAccuracy)),
              reading('Valid reasoning', share(evaluation.validTraces)),
              reading('Strict reward', measured(evaluation.strictReward, threeDecimals)),
            ]
      }
    </dl>
    ${evaluation.leftOut.map((sentence) => html`<p class="note">${sentence}</p>`)}
  </div>`;
}

function measured(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? DASH : format(value);
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function threeDecimals(value: number): string {
  return value.toFixed(3);
}
