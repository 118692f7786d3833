/** The same live, on the reader's own machine, with the recorded curves to hold it against. */
import { html } from 'lit';
import type { Recording } from '../../../protocol/recording.ts';
import { addPoint, type Curve, EMPTY_CURVE } from '../../parts/charts/curve.ts';
import { wholePercent } from '../../parts/format.ts';
import '../../parts/charts/lab-chart.ts';
import type { ChartLine } from '../../parts/charts/lab-chart.ts';
import type { LessonScreen } from '../parts/lesson.ts';
import type { CollapseMaterial } from './material.ts';
import { LESSON_CHOICE } from '../../collapse/demonstration.ts';
import { curvesCsv } from './curves-csv.ts';
import { liveText } from './text.ts';

/** Of shares. */
const WHOLE: readonly [number, number] = [0, 1];

export const MACHINE: LessonScreen<CollapseMaterial> = {
  title: 'On your machine',
  notes:
    'Start it before the lesson begins and come back to it here: the run continues behind the other screens. Ask for an estimate ' +
    'first. When rare rules have fallen, fork the run at an earlier step with examples and compare the two lines.',
  prose: ({ recording }) =>
    html`<p class="lead">
        The same two runs, live, in this browser. Estimate first: at which step will the reward-only run have collapsed?
        The recorded lines are what to hold it against.
      </p>
      <p><a class="button primary" href="#/collapse?preset=lesson">Run it here</a></p>
      <p class="more">
        ${liveText(recording, LESSON_CHOICE.draft)} It has no control and runs on while you read other pages. When the
        line of rare rules falls, move λ of that branch up, or fork it at an earlier step with λ: what was forgotten
        comes back only if something still shows it.
      </p>`,
  figure: ({ recording, balanced, isOwn }) => {
    const runs = isOwn ? [recording] : [recording, balanced];
    const steps = recording.frames.at(-1)?.step ?? 1;
    const lines = (of: (measures: Recording['frames'][number]['measures']) => number | null): ChartLine[] =>
      runs.map(({ name, frames }, i) => ({
        name,
        look: i === 0 ? 'branch-0' : 'branch-1',
        curve: frames.reduce((curve: Curve, { step, measures }) => {
          const value = of(measures);
          return value === null ? curve : addPoint(curve, step, value);
        }, EMPTY_CURVE),
      }));
    return html`<div class="charts">
      <lab-chart
        heading="Recorded: reward"
        .steps=${steps}
        .format=${(value: number) => value.toFixed(2)}
        .formatTick=${(value: number) => value.toFixed(2)}
        .lines=${lines(({ probe }) => probe.reward)}
      ></lab-chart>
      <lab-chart
        heading="Recorded: recall of rare rules"
        .steps=${steps}
        .range=${WHOLE}
        .format=${wholePercent}
        .formatTick=${wholePercent}
        .lines=${lines(({ heldOut }) => heldOut.tailRecall)}
      ></lab-chart>
    </div>`;
  },
  csv: ({ recording, balanced, isOwn }) => curvesCsv(isOwn ? [recording] : [recording, balanced]),
};
