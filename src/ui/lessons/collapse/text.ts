/**
 * The sentences of the lesson that hold numbers, each made from a recording or a results file and from nothing else.
 */
import * as v from 'valibot';
import { counted } from '../../../common/counted.ts';
import type { ExperimentResults, MetricName, SeedResult } from '../../../protocol/experiment-results.ts';
import { SURENESS_PARTS } from '../../../protocol/policy-answers.ts';
import type { Recording, RecordedFrame } from '../../../protocol/recording.ts';
import { formatSigned, wholePercent } from '../../parts/format.ts';
import { type Guesses, guessedCurve } from '../parts/guesses.ts';
import type { GuessRow } from '../parts/lesson.ts';
import { type CollapseMaterial, RECORDED_ARM } from './material.ts';
import { deadRules, lastFrame, type RuleFate, shareOf } from '../../flow/recording-facts.ts';

/** That what is shown is recorded, and of what. */
export function recordedNote({ model, seed, pairs, frames, device, date }: Recording): string {
  return (
    `Recorded, not live: seed ${seed}, ${frames.at(-1)?.step ?? 0} steps from ${model.name}, ${pairs.length} held-out pairs, ` +
    `${device.replace(/,.*$/u, '')}, ${date}.`
  );
}

/** An answer to a pair at a frame: the label and how sure. */
export function answerText({ labelNames, frames }: Recording, pair: number, frame: number): string {
  const answers = frames[frame]?.answers;
  const label = labelNames[answers?.labels[pair] ?? -1] ?? 'no label';
  return `${label}, ${percentOf(answers?.sure[pair] ?? 0).replaceAll(' ', '\u00a0')} sure`;
}

/** What the run was paid meanwhile. */
export function paidText(recording: Recording): string {
  const [first, last] = ends(recording);
  return (
    `Over ${last?.step ?? 0} steps the reward rose from ${two(first?.measures.probe.reward)} to ` +
    `${two(last?.measures.probe.reward)}.`
  );
}

/** How many rules were cited at the beginning and at the end, and whether that is a collapse. */
export function rulesLostText(recording: Recording): string {
  const [first, last] = ends(recording);
  const since = collapsedSince(recording);
  return (
    `Different rules cited: ${first?.measures.heldOut.distinctRules ?? 0} at first, ` +
    `${last?.measures.heldOut.distinctRules ?? 0} in the end. Recall of rare rules: ` +
    `${percent(first?.measures.heldOut.tailRecall)}, then ${percent(last?.measures.heldOut.tailRecall)}. ` +
    (since === undefined
      ? 'By the lab\u2019s definition this is no collapse.'
      : `By the lab\u2019s definition the model has collapsed at step ${since}, and stays so to the end.`)
  );
}

/** The step from which on every measurement is a collapse; undefined if the last one is none. */
export function collapsedSince({ frames }: Recording): number | undefined {
  const lastFree = frames.findLastIndex(({ collapse }) => !collapse.isCollapsed);
  return frames[lastFree + 1]?.step;
}

/** How the arm of the recorded run did with other seeds. */
export function seedsText(e3: ExperimentResults): string {
  const seeds = seedsOf(e3, RECORDED_ARM);
  const collapsed = seeds.filter(({ metrics }) => metrics.collapsed === 1).length;
  const steps = seeds[0]?.curve.at(-1)?.step ?? 0;
  return (
    `Faint: ${seeds.length} runs of ${steps} steps with these settings, each from a start of its own (experiment ${e3.id}: reward only, ` +
    `pushed harder by several updates from each batch and a wider clip); ${collapsed} of ${seeds.length} collapse.`
  );
}

/** A rule that merged or vanished. */
export function fateText({ rules }: Recording, fate: RuleFate): string {
  const name = rules[fate.rule]?.id ?? 'no rule';
  const other = rules[fate.replacedBy]?.id;
  return (
    `${name}: cited in ${fate.citedBefore.part} of its ${counted(fate.citedBefore.whole, 'pair')}, then in ${fate.citedNow.part}` +
    `${other === undefined ? '' : ` (now mostly ${other})`}; labels right ${wholePercent(shareOf(fate.rightBefore))}, then ` +
    `${wholePercent(shareOf(fate.rightNow))}.`
  );
}

/** What label accuracy says of all this. */
export function accuracyText(recording: Recording): string {
  const [first, last] = ends(recording);
  return (
    `Label accuracy over all ${counted(recording.pairs.length, 'pair')}: ${percent(first?.measures.heldOut.accuracy)}, then ` +
    `${percent(last?.measures.heldOut.accuracy)}. ${deadRules(recording, lastFrame(recording)).length} rules decide no answer any more.`
  );
}

/** A group of completions and what they were paid. */
export function groupText(step: number, totals: readonly number[]): string {
  const mean = totals.reduce((sum, total) => sum + total, 0) / totals.length;
  return `${counted(totals.length, 'completion')} of one prompt at step ${step}, paid ${two(mean)} on average.`;
}

/** What of a run's settings its sentences need; a recording holds all of them as they were given. */
const SettingsSchema = v.object({
  reward: v.object({
    kind: v.picklist(['strict', 'plausible', 'lenient']),
    labelShare: v.number(),
    own: v.optional(v.null()),
  }),
  grpo: v.object({
    tailPromptWeight: v.number(),
    innerEpochs: v.number(),
    steps: v.number(),
    evaluateEvery: v.number(),
  }),
  devPairs: v.number(),
});

function settingsOf({ experiment }: Recording): v.InferOutput<typeof SettingsSchema> | undefined {
  const read = v.safeParse(SettingsSchema, experiment);
  return read.success ? read.output : undefined;
}

const REASONS_PAID = {
  strict: 'for reasons that are those of the expert',
  plausible:
    'for a reason that looks right: its rule leads to the label given, and the words it quotes are in the pair. Whether it is the ' +
    'rule that should decide is not checked',
  lenient: 'for any reason that can be read',
} as const;

/** What the reward looks at; empty where the recording does not say so. */
export function rewardText(recording: Recording): string {
  const { reward } = settingsOf(recording) ?? {};
  if (reward === undefined) return '';
  const { kind, labelShare } = reward;
  return `Paid: ${wholePercent(labelShare)} for the right label, ${wholePercent(1 - labelShare)} ${REASONS_PAID[kind]}.`;
}

/** What the numbers of a group are paid for. */
export function payText(recording: Recording): string {
  const { reward } = settingsOf(recording) ?? {};
  if (reward?.kind !== 'plausible') return '';
  return `Paid: ${two(reward.labelShare)} for the label, up to ${two(1 - reward.labelShare)} for the reason.`;
}

/** Why a rare rule that is lost costs hardly any reward. */
export function hardlyNoticedText(recording: Recording): string {
  const { reward, grpo } = settingsOf(recording) ?? {};
  if (reward?.kind !== 'plausible' || grpo === undefined) return '';
  const seldom =
    grpo.tailPromptWeight < 1 ? `prompts of rare rules come at ${grpo.tailPromptWeight} of their rate, and ` : '';
  return `The reward hardly notices: ${seldom}a wrong label with a reason that fits it still earns up to ${two(1 - reward.labelShare)}.`;
}

/** Where the two halves of the screen on chance come from. */
export function toySource(recording: Recording): string {
  return `The table: recorded, seed ${recording.seed}. The toy: computed here, in this browser.`;
}

/**
 * How the live run of the lesson differs from the recorded one.
 *
 * @param live - the settings of the live run by their paths
 */
export function liveText(recording: Recording, live: ReadonlyMap<string, unknown>): string {
  const recorded = settingsOf(recording);
  const at = (path: string): string => String(live.get(path));
  const instead = (value: number | undefined): string => (value === undefined ? '' : ` (recorded: ${value})`);
  return (
    `The live run, seed ${at('grpo.seed')}: ${at('grpo.steps')} steps${instead(recorded?.grpo.steps)}, ` +
    `${at('devPairs')} held-out pairs${instead(recorded?.devPairs)}, measured every ${at('grpo.evaluateEvery')} ` +
    `steps${instead(recorded?.grpo.evaluateEvery)}.`
  );
}

/** Why the recorded run has forgotten more than the same method does in E1. */
export function harsherText({ e1, e3, recording }: Pick<CollapseMaterial, 'e1' | 'e3' | 'recording'>): string {
  const updates = settingsOf(recording)?.grpo.innerEpochs;
  const own = ends(recording)[1]?.measures.heldOut.tailRecall;
  if (updates === undefined) return '';
  return (
    `The run of the first screens ended at ${percent(own)}: one seed, on other pairs, and pushed harder (${updates} updates from each ` +
    `batch and a wider clip, ${e1.id} makes one); with those settings ${e3.id} measures ${percent(armMean(e3, RECORDED_ARM, 'tailRecall'))}.`
  );
}

/** The same as the numbers of an arm over its seeds. */
export function armMean(results: ExperimentResults, arm: string, metric: MetricName): number {
  const values = seedsOf(results, arm).map(({ metrics }) => metrics[metric] ?? 0);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function seedsOf({ arms }: ExperimentResults, name: string): readonly SeedResult[] {
  return arms.find((arm) => arm.name === name)?.seeds ?? [];
}

/** An arm of E1 on the axis of lambda, or a rival on the same axis. */
export interface LambdaArm {
  readonly arm: string;
  readonly name: string;
  readonly isRival: boolean;
}

const REGIME = ' (head-heavy, plausible)';

/** The start, plain GRPO, mode balance by its weight, then rivals; all in the regime that favours collapse. */
export function lambdaArms({ arms }: ExperimentResults): LambdaArm[] {
  const own = arms.map(({ name }) => name).filter((name) => name.endsWith(REGIME));
  const weights = own.flatMap((arm) => {
    const weight = /^MBO ([\d.]+) \(/u.exec(arm)?.[1];
    return weight === undefined ? [] : [{ arm, name: `\u03bb ${weight}`, isRival: false, weight: Number(weight) }];
  });
  const rivals = own.filter((arm) => /^(?:GRPO \+ k|SFT continued)/u.test(arm));
  return [
    { arm: 'SFT', name: 'the start', isRival: true },
    { arm: `GRPO${REGIME}`, name: 'reward only', isRival: false },
    ...weights.toSorted((a, b) => a.weight - b.weight).map(({ arm, name, isRival }) => ({ arm, name, isRival })),
    ...rivals.map((arm) => ({ arm, name: arm.replace(REGIME, ''), isRival: true })),
  ];
}

/** The arms that a reader chooses among: plain, the two largest weights, the strongest leash, and training on. */
export function offeredArms(arms: readonly LambdaArm[]): LambdaArm[] {
  const weights = arms.filter(({ name }) => name.startsWith('\u03bb'));
  const leashes = arms.filter(({ name }) => /^GRPO \+ k3 [\d.]+$/u.test(name));
  const others = arms.filter(({ name }) => name === 'reward only' || name === 'SFT continued');
  return [...others.slice(0, 1), ...weights.slice(-2), ...leashes.slice(-1), ...others.slice(1)];
}

/** What lambda does, and what does better. */
export function lambdaText(e1: ExperimentResults): string {
  const arms = lambdaArms(e1);
  const mean = ({ arm }: LambdaArm): number => armMean(e1, arm, 'tailRecall');
  const plain = arms.find(({ name }) => name === 'reward only');
  const weighted = arms.filter(({ isRival, name }) => !isRival && name !== 'reward only');
  const best = weighted.toSorted((a, b) => mean(b) - mean(a))[0];
  const better = arms.filter((arm) => arm.isRival && arm.arm !== 'SFT' && best !== undefined && mean(arm) > mean(best));
  if (plain === undefined || best === undefined) return '';
  return (
    `Recall of rare rules, mean of ${seedsOf(e1, plain.arm).length} seeds: reward only ${percent(mean(plain))}; ${best.name} keeps ` +
    `${percent(mean(best))}, the most of any weight tried. ` +
    (better.length === 0
      ? 'No rival keeps more.'
      : `More is kept by ${better.map((arm) => `${arm.name} (${percent(mean(arm))})`).join(', ')}.`)
  );
}

/** What the best rival is paid, which is the price of keeping. */
export function priceText(e1: ExperimentResults): string {
  const arms = lambdaArms(e1).filter(({ arm }) => arm !== 'SFT');
  const parts = arms
    .filter(({ name }) => ['reward only', 'SFT continued'].includes(name) || name === '\u03bb 0.3')
    .map(({ arm, name }) => `${name} ${formatSigned(armMean(e1, arm, 'rewardGain'), 2)}`);
  return `Reward gained meanwhile: ${parts.join(', ')}.`;
}

function ends({ frames }: Recording): [RecordedFrame | undefined, RecordedFrame | undefined] {
  return [frames[0], frames.at(-1)];
}

function percentOf(parts: number): string {
  // Never round up to certainty.
  const share = parts / SURENESS_PARTS;
  return share > 0.99 && share < 1 ? '> 99 %' : wholePercent(share);
}

function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? 'not known' : wholePercent(share);
}

function two(value: number | undefined): string {
  return value === undefined ? 'not known' : value.toFixed(2);
}

/** The answers that a reader chooses among, and what was measured. */
export const PAIR_ANSWERS = [
  ['right', 'Right, and surer'],
  ['unsure', 'Right, but less sure'],
  ['wrong', 'Wrong, and surer'],
] as const;
export const PAIR_MEASURED = 'Wrong, and surer';
export const SEEN_ANSWERS = [
  ['merged', 'Merging'],
  ['vanished', 'Vanishing'],
  ['both', 'Both'],
  ['neither', 'Neither by name'],
] as const;
export const SEEN_MEASURED = 'Neither by name';
const NO_GUESS = '\u2013';

/** The arm that keeps most of the rare rules, and how much. */
export function bestArmText(e1: ExperimentResults): string {
  const best = lambdaArms(e1)
    .filter(({ arm }) => arm !== 'SFT')
    .toSorted((a, b) => armMean(e1, b.arm, 'tailRecall') - armMean(e1, a.arm, 'tailRecall'))[0];
  return best === undefined ? NO_GUESS : `${best.name}, ${percent(armMean(e1, best.arm, 'tailRecall'))}`;
}

/** @param guesses - those that were not made are shown as a dash */
export function guessRows({
  recording,
  e1,
  guesses,
}: {
  readonly recording: Recording;
  readonly e1: ExperimentResults;
  readonly guesses: Guesses;
}): GuessRow[] {
  const last = ends(recording)[1]?.measures.heldOut.distinctRules ?? 0;
  const drawn = guessedCurve(guesses, 'curve')?.at(-1);
  const chosen = (answers: readonly (readonly [string, string])[], key: string): string =>
    answers.find(([value]) => value === guesses[key])?.[1] ?? NO_GUESS;
  const arms = lambdaArms(e1).map(({ arm, name }) => [arm, name] as const);
  return [
    { asked: 'The one pair', guess: chosen(PAIR_ANSWERS, 'pair'), measured: PAIR_MEASURED },
    { asked: 'Rules left', guess: drawn === undefined ? NO_GUESS : String(drawn), measured: String(last) },
    { asked: 'Accuracy shows', guess: chosen(SEEN_ANSWERS, 'seen'), measured: SEEN_MEASURED },
    { asked: 'Keeps most', guess: chosen(arms, 'keeps'), measured: bestArmText(e1) },
  ];
}

/** What may be concluded, and what may not. */
export function limitTexts({ e1, e3, recording, isOwn }: Omit<CollapseMaterial, 'balanced'>): string[] {
  const { seed, model, pairs } = recording;
  const share = (arm: string, of = e1): string =>
    `${Math.round(armMean(of, arm, 'collapsed') * seedsOf(of, arm).length)} of ${seedsOf(of, arm).length}`;
  const harsher = isOwn ? '' : ` Pushed as hard as the recorded run (${e3.id}): ${share(RECORDED_ARM, e3)}.`;
  return [
    `Reward only, one update from each batch (${e1.id}): ${share(`GRPO${REGIME}`)} seeds collapse where rare rules hardly come and ` +
      `plausible reasons are paid, ${share('GRPO (matched, full)')} where nothing is left out.${harsher}`,
    'Prompts in which rare rules hardly come favour examples beside the reward by construction: the examples hold the rare rules.',
    `One recorded run (seed ${seed}) shows how a collapse looks, not how often it happens. ${counted(pairs.length, 'pair')} leave few for each rare rule.`,
    `A model of ${model.parameters.toLocaleString('en')} parameters in a made-up world; nothing here is measured on a large model.`,
  ];
}
