/** Every number of the lesson comes from a recording or a results file: none is written into a screen. */
import { readdirSync, readFileSync } from 'node:fs';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { type ExperimentResults, ExperimentResultsSchema } from '../../../../src/protocol/experiment-results.ts';
import { parseRecording } from '../../../../src/protocol/recording.ts';
import { LESSON_CHOICE } from '../../../../src/ui/collapse/demonstration.ts';
import { chosenGroup } from '../../../../src/ui/flow/recording-facts.ts';
import { curvesCsv } from '../../../../src/ui/lessons/collapse/curves-csv.ts';
import { RECORDED_ARM } from '../../../../src/ui/lessons/collapse/material.ts';
import { leaderOf } from '../../../../src/ui/lessons/parts/compared.ts';
import type { DotsRow } from '../../../../src/ui/lessons/parts/lab-seed-dots.ts';
import {
  armMean,
  bestArmText,
  guessRows,
  hardlyNoticedText,
  harsherText,
  lambdaArms,
  lambdaText,
  limitTexts,
  liveText,
  offeredArms,
  payText,
  priceText,
  rewardText,
  seedsOf,
  seedsText,
} from '../../../../src/ui/lessons/collapse/text.ts';
import { smallRecording } from '../flow/small-recording.ts';

function results(id: string): ExperimentResults {
  return v.parse(ExperimentResultsSchema, JSON.parse(readFileSync(`docs/results/${id}.json`, 'utf8')));
}

/** A results file with another number in place of each recall of rare rules. */
function withRecall(file: ExperimentResults, recall: number): ExperimentResults {
  const arms = file.arms.map(({ name, seeds }) => ({
    name,
    seeds: seeds.map((seed) => ({ ...seed, metrics: { ...seed.metrics, tailRecall: recall, collapsed: 0 } })),
  }));
  return { ...file, arms };
}

describe('the sentences of the lesson', () => {
  const [e1, e3] = [results('E1'), results('E3')];

  it('follow the results file: with others in it they say something else', () => {
    expect(lambdaText(e1)).toContain(
      `${Math.round(100 * armMean(e1, 'SFT continued (head-heavy, plausible)', 'tailRecall'))} %`,
    );
    expect(lambdaText(withRecall(e1, 0.12))).toBe(
      'Recall of rare rules, mean of 5 seeds: reward only 12 %; \u03bb 0.03 keeps 12 %, the most of any weight tried. No rival keeps more.',
    );
    expect(priceText(e1)).toMatch(
      /^Reward gained meanwhile: reward only \+0\.\d\d, \u03bb 0\.3 \+0\.\d\d, SFT continued [+\u2212]0\.\d\d\.$/u,
    );
    expect(seedsText(withRecall(e3, 0))).toContain('0 of 5 collapse');
    const material = { e1: withRecall(e1, 0), e3, recording: smallRecording(), isOwn: false };
    expect(limitTexts(material)[0]).toContain('0 of 5 seeds collapse');
    expect(limitTexts(material)[0]).toMatch(/Pushed as hard as the recorded run \(E3\): 5 of 5\.$/u);
    // What is known of the recorded run says nothing of a reader's own.
    expect(limitTexts({ ...material, isOwn: true })[0]).not.toContain('E3');
  });

  it('say what a run is paid for, how the live one differs, and nothing of settings that were not recorded', () => {
    const bundled = parseRecording('grpo', readFileSync('public/recordings/grpo.json', 'utf8'));
    expect(rewardText(bundled)).toMatch(/^Paid: 50 % for the right label, 50 % for a reason that looks right/u);
    expect(payText(bundled)).toBe('Paid: 0.50 for the label, up to 0.50 for the reason.');
    expect(hardlyNoticedText(bundled)).toContain('prompts of rare rules come at 0.1 of their rate');
    expect(liveText(bundled, LESSON_CHOICE.draft)).toBe(
      'The live run, seed 4: 120 steps (recorded: 160), 96 held-out pairs (recorded: 240), measured every 16 steps (recorded: 8).',
    );
    expect(harsherText({ e1, e3: withRecall(e3, 0.5), recording: bundled })).toMatch(
      /ended at 13 %: .* \(2 updates .*; with those settings E3 measures 50 %\.$/u,
    );
    const unknown = smallRecording();
    for (const say of [rewardText, payText, hardlyNoticedText]) expect(say(unknown)).toBe('');
    expect(harsherText({ e1, e3, recording: unknown })).toBe('');
    expect(liveText(unknown, LESSON_CHOICE.draft)).not.toMatch(/recorded|undefined/u);
  });

  it('shows a group that pushes some up and others down, of a rare rule', () => {
    const bundled = parseRecording('grpo', readFileSync('public/recordings/grpo.json', 'utf8'));
    const { group } = chosenGroup(bundled) ?? {};
    expect(group?.isTail).toBe(true);
    const pushes = (group?.completions ?? []).map(({ advantages }) => Math.sign(advantages[1] ?? 0));
    expect([1, -1].map((sign) => pushes.filter((push) => push === sign).length)).toEqual([4, 4]);
  });

  it('has the arm of the recorded run at five seeds, all of which collapse', () => {
    expect(seedsOf(e3, RECORDED_ARM)).toHaveLength(5);
    expect(armMean(e3, RECORDED_ARM, 'collapsed')).toBe(1);
  });

  it('puts weights in their order and rivals on the same axis, those among them that keep more', () => {
    const names = lambdaArms(e1).map(({ name }) => name);
    expect(names.slice(0, 6)).toEqual([
      'the start',
      'reward only',
      '\u03bb 0.03',
      '\u03bb 0.1',
      '\u03bb 0.3',
      '\u03bb 1',
    ]);
    expect(names).toEqual(expect.arrayContaining(['SFT continued', 'GRPO + k3 0.3', 'GRPO + k2 0.3']));
    expect(offeredArms(lambdaArms(e1)).map(({ name }) => name)).toEqual(['reward only', '\u03bb 0.3', '\u03bb 1', 'GRPO + k3 1', 'SFT continued']); // prettier-ignore
  });

  it('names an arm as the best one that chance does not explain', () => {
    const rows = lambdaArms(e1)
      .slice(1)
      .map(({ arm, name }): DotsRow => {
        const values = seedsOf(e1, arm).map(({ metrics }) => metrics.tailRecall ?? 0);
        return { name, look: 'own', values, mean: armMean(e1, arm, 'tailRecall') };
      });
    expect(leaderOf(rows)).toMatchObject({ best: { name: 'SFT continued' }, isDecided: true });
    expect(bestArmText(e1)).toContain('SFT continued');
  });

  it('holds guesses against what was measured, and a dash where none was made', () => {
    const recording = smallRecording();
    expect(guessRows({ recording, e1, guesses: {} }).map(({ guess }) => guess)).toEqual(Array.from({ length: 4 }, () => '\u2013')); // prettier-ignore
    const made = {
      pair: 'right',
      curve: [4, 2],
      seen: 'both',
      keeps: 'SFT continued (head-heavy, plausible)',
    } as const;
    expect(guessRows({ recording, e1, guesses: made })).toEqual([
      { asked: 'The one pair', guess: 'Right, and surer', measured: 'Wrong, and surer' },
      { asked: 'Rules left', guess: '2', measured: '4' },
      { asked: 'Accuracy shows', guess: 'Both', measured: 'Neither by name' },
      {
        asked: 'Keeps most',
        guess: 'SFT continued',
        measured: expect.stringMatching(/^SFT continued, \d\d %$/u) as string,
      },
    ]);
  });
});

describe('the screens', () => {
  const sources = readdirSync('src/ui/lessons', { recursive: true, encoding: 'utf8' }).filter(
    // Elements that draw what they are given have numbers of pixels in them, and so have codes.
    (name) => /(?:-screen|lab-front-door|lab-toy-arms|lab-seed-dots|lab-lesson|topics.[a-z]+)\.ts$/u.test(name),
  );

  it.each(sources)('of %s hold no number that somebody wrote', (name) => {
    const source = readFileSync(`src/ui/lessons/${name}`, 'utf8');
    const templates = [
      ...source.matchAll(/html`((?:[^`$]|\$(?!\{)|\$\{(?:[^{}`]|\{(?:[^{}`]|\{[^{}`]*\})*\})*\})*)`/gu),
    ].map(([, text = '']) => text);
    expect(templates.length).toBeGreaterThan(0);
    for (const template of templates) {
      const spoken = template
        .replaceAll(/\$\{(?:[^{}`]|\{(?:[^{}`]|\{[^{}`]*\})*\})*\}/gu, '')
        .replaceAll(/<[^>]*>/gu, ' ');
      // Names of methods, and the ends of an axis.
      expect(spoken.replaceAll(/\bk[123]\b|\b(?:0|50|95|100) %/gu, ''), template).not.toMatch(/\d/u);
    }
  });
});

describe('the curves as CSV', () => {
  it('have a line per measurement, and names that no spreadsheet runs', () => {
    const recording = { ...smallRecording(), name: '=1+"x"' };
    const lines = curvesCsv([recording, recording]).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 2 * recording.frames.length);
    expect(lines[1]).toBe('"\'=1+""x""",9,0,0,0.4,1,1,4,1,0.5,0');
    expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([11]));
  });
});
