/** The lesson on mode collapse: six screens, and the last one that every lesson has. */
import { html } from 'lit';
import '../../flow/lab-flow.ts';
import { openable } from '../parts/lesson.ts';
import { LAMBDA } from './lambda-screen.ts';
import { MACHINE } from './machine-screen.ts';
import { type CollapseMaterial, loadMaterial } from './material.ts';
import { PAIR } from './pair-screen.ts';
import { REASONS } from './reasons-screen.ts';
import { guessRows, limitTexts, recordedNote } from './text.ts';
import { WHERE } from './where-screen.ts';
import { WHY } from './why-screen.ts';

export const openLesson = openable<CollapseMaterial>({
  load: loadMaterial,
  screens: [PAIR, REASONS, WHERE, WHY, LAMBDA, MACHINE],
  source: ({ recording }) => recordedNote(recording),
  limits: limitTexts,
  rows: guessRows,
  closing: ({ recording }) => html`<lab-flow .recording=${recording} ended></lab-flow>`,
  printed: { pair: 'wrong', curve: [], seen: 'neither', keeps: '' },
  withOwn: (material, recording) => ({ ...material, recording, isOwn: true }),
  recording: ({ recording }) => recording,
});
