/**
 * The animated picture of the README: what reinforcement earns and what it forgets, from docs/results/E3.json. It is
 * one SVG without scripts, because a README shows pictures as images. It loops, follows the light or dark theme, and is
 * static and complete under reduced motion.
 */
import type { ExperimentResults, ResultPoint } from '../src/protocol/experiment-results.ts';

/** The two arms shown: the name in the results, the label in the picture, and the class that styles its lines. */
const ARMS = [
  { arm: 'Clip-higher, two inner updates (head-heavy, plausible)', label: 'reward only', look: 'alone' },
  { arm: 'MBO 0.3 (head-heavy, plausible)', label: 'reward + examples', look: 'balanced' },
] as const;
const PANELS = [
  { metric: 'reward', heading: 'what it is paid' },
  { metric: 'tailRecall', heading: 'rare rules it still knows' },
] as const satisfies readonly { metric: keyof ResultPoint; heading: string }[];

const PANEL = { width: 330, height: 210, left: 40, gap: 50, top: 58 } as const;
const WIDTH = PANEL.left + PANELS.length * PANEL.width + (PANELS.length - 1) * PANEL.gap + 20;
const HEIGHT = PANEL.top + PANEL.height + 72;
/** The share of one loop in which the lines grow; the rest shows them complete. */
const GROWING = '70%';

const STYLE = `
  svg { --paper: #fffefa; --ink: #1c1f1e; --soft: #6d726f; --alone: #b3341f; --balanced: #00645a; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #171a19; --ink: #eceee9; --soft: #a0a6a2; --alone: #ff8a73; --balanced: #5fd0bf; }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink) }
  .heading { font-weight: 600; font-size: 15px }
  .soft { fill: var(--soft) }
  .paper { fill: var(--paper) }
  .axis { stroke: var(--soft); stroke-width: 1; fill: none }
  .line { fill: none; stroke-linejoin: round; stroke-linecap: round }
  .seed { stroke-width: 1.2; opacity: .35 }
  .mean { stroke-width: 3.5 }
  .alone { stroke: var(--alone) } .balanced { stroke: var(--balanced); stroke-dasharray: 8 5 }
  .name.alone { fill: var(--alone); stroke: none; font-weight: 600 }
  .name.balanced { fill: var(--balanced); stroke: none; font-weight: 600 }
  .cover { fill: var(--paper); animation: grow 9s linear infinite }
  @keyframes grow { 0% { transform: translateX(0) } ${GROWING}, 100% { transform: translateX(${PANEL.width + 4}px) } }
  @media (prefers-reduced-motion: reduce) { .cover { display: none } }`;

/**
 * Draws the picture.
 *
 * @throws {Error} if the results lack an arm or have no curve
 */
export function collapsePicture(results: ExperimentResults): string {
  const arms = ARMS.map(({ arm, label, look }) => {
    const curves = results.arms.find(({ name }) => name === arm)?.seeds.map(({ curve }) => curve) ?? [];
    const [first] = curves;
    if (first === undefined || first.length < 2) throw new Error(`docs/results/E3.json has no curves of "${arm}".`);
    return { label, look, curves, mean: meanCurve(curves, first) };
  });
  const lastStep = Math.max(...arms.map(({ mean }) => mean.at(-1)?.step ?? 0));
  const panels = PANELS.map(({ metric, heading }, i) => {
    const x = PANEL.left + i * (PANEL.width + PANEL.gap);
    const line = (points: readonly Point[], look: string): string => {
      const at = points.map(
        (point) => `${(point.step / lastStep) * PANEL.width} ${(1 - point[metric]) * PANEL.height}`,
      );
      return `<path class="line ${look}" d="M${at.join('L')}"/>`;
    };
    const lines = arms.flatMap(({ curves, mean, look }) => [
      ...curves.map((curve) => line(curve.map(pointOf), `seed ${look}`)),
      line(mean, `mean ${look}`),
    ]);
    return [
      `<g transform="translate(${x} ${PANEL.top})"><text class="heading" y="-14">${heading}</text>`,
      `<svg width="${PANEL.width + 3}" height="${PANEL.height + 2}">${lines.join('')}`,
      `<rect class="cover" x="1" y="-2" width="${PANEL.width + 8}" height="${PANEL.height + 8}"/></svg>`,
      `<path class="axis" d="M0 0V${PANEL.height}H${PANEL.width}"/>`,
      `<text class="soft" x="-8" y="5" text-anchor="end">1</text>`,
      `<text class="soft" x="-8" y="${PANEL.height}" text-anchor="end">0</text>`,
      `<text class="soft" x="${PANEL.width}" y="${PANEL.height + 20}" text-anchor="end">step ${lastStep}</text></g>`,
    ].join('\n');
  });
  const names = arms.map(({ label, look }, i) => {
    const x = PANEL.left + i * 200;
    return `<path class="line mean ${look}" d="M${x} ${HEIGHT - 26}h34"/><text class="name ${look}" x="${x + 44}" y="${HEIGHT - 21}">${label}</text>`;
  });
  const seeds = arms[0]?.curves.length ?? 0;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">`,
    '<title>Rewarded alone, a model is paid more and more while it forgets its rare rules</title>',
    `<style>${STYLE}</style><rect class="paper" width="100%" height="100%" rx="10"/>`,
    ...panels,
    ...names,
    `<text class="soft" x="${WIDTH - 20}" y="${HEIGHT - 21}" text-anchor="end">recorded: ${seeds} seeds each, experiment E3</text>`,
    '</svg>\n',
  ].join('\n');
}

interface Point {
  readonly step: number;
  readonly reward: number;
  readonly tailRecall: number;
}

function pointOf({ step, reward, tailRecall }: ResultPoint): Point {
  return { step, reward: reward ?? 0, tailRecall: tailRecall ?? 0 };
}

/** The mean over seeds at the steps of the first, because all seeds of an arm are measured at the same steps. */
function meanCurve(curves: readonly (readonly ResultPoint[])[], steps: readonly ResultPoint[]): Point[] {
  return steps.map(({ step }, i) => {
    const points = curves.flatMap((curve) => curve.slice(i, i + 1)).map(pointOf);
    const mean = (of: (point: Point) => number): number =>
      points.reduce((sum, point) => sum + of(point), 0) / points.length;
    return { step, reward: mean(({ reward }) => reward), tailRecall: mean(({ tailRecall }) => tailRecall) };
  });
}
