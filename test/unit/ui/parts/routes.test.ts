/** Addresses: the view they show, and the model that answers. */
import { describe, expect, it } from 'vitest';
import { bundledModel, SCORE_MODEL } from '../../../../src/ui/score/bundled-models.ts';
import {
  asksForLessonPreset,
  checkpointIn,
  fileAddress,
  fileIn,
  lessonAddress,
  lambdaIn,
  lessonIn,
  modelIn,
  notesAddress,
  pairIn,
  routeOf,
  scoreAddress,
} from '../../../../src/ui/parts/routes.ts';

describe('routes', () => {
  it('no address is the front door, and an unknown one the first view', () => {
    const hashes = ['', '#', '#/', '#/score', '#score', '#/nowhere', '#/train', '#/train?x=1', '#/score?checkpoint=a'];
    expect(hashes.map(routeOf)).toEqual(['home', 'home', 'home', ...Array.from({ length: 3 }, () => 'score'), 'train', 'train', 'score']); // prettier-ignore
  });

  it('a lesson is at the screen that its address names, else at the first; without a lesson it is the list', () => {
    for (let screen = 1; screen <= 12; screen++) {
      expect(routeOf(lessonAddress('seeds', screen))).toBe('lesson');
      expect(lessonIn(lessonAddress('seeds', screen))).toEqual({
        lesson: 'seeds',
        screen,
        isNotes: false,
        presenter: '',
      });
    }
    expect(lessonIn('#/lesson/collapse/3/notes')).toEqual({
      lesson: 'collapse',
      screen: 3,
      isNotes: true,
      presenter: '',
    });
    expect(lessonIn(notesAddress('collapse', 3, '12-ab'))).toEqual({ lesson: 'collapse', screen: 3, isNotes: true, presenter: '12-ab' }); // prettier-ignore
    expect(lessonIn('#/lesson/collapse')).toEqual({ lesson: 'collapse', screen: 1, isNotes: false, presenter: '' });
    const others = ['#/lesson', '#/lesson/', '#/lesson/collapse/1e0', '#/lesson/<b>/1', '#/lesson/collapse/2/other'];
    expect(others.map(routeOf)).toEqual(others.map(() => 'lesson'));
    expect(others.map(lessonIn)).toEqual(
      others.map(() => ({ lesson: undefined, screen: 1, isNotes: false, presenter: '' })),
    );
    expect(lessonIn(lessonAddress('collapse', 0)).screen).toBe(1);
  });

  it('the live view is set as the lesson wants it where the address says so', () => {
    expect(asksForLessonPreset('#/collapse?preset=lesson')).toBe(true);
    expect(['#/collapse', '#/collapse?preset=other', '#/score?preset=lesson'].map(asksForLessonPreset)).toEqual([false, false, false]); // prettier-ignore
  });

  it('a checkpoint is named only in the address of the Score view', () => {
    expect(checkpointIn(scoreAddress('3fa9-b_c'))).toBe('3fa9-b_c');
    expect(checkpointIn(scoreAddress('a&b=?#'))).toBe('a&b=?#');
    expect(checkpointIn(scoreAddress())).toBeUndefined();
    expect(checkpointIn('#/score?checkpoint=')).toBeUndefined();
    expect(checkpointIn('#/train?checkpoint=a')).toBeUndefined();
  });

  it('a pair is named in the address of the Score view, and a weight in that of the live view', () => {
    const pair = JSON.stringify({ query: 'a&b=?# \u00fc', document: { title: '50 %' } });
    expect(pairIn(scoreAddress('id', ['start'], undefined, pair))).toBe(pair);
    expect([pairIn('#/score'), pairIn('#/collapse?pair=a')]).toEqual([undefined, undefined]);
    expect(lambdaIn('#/collapse?preset=lesson&lambda=0.1')).toBe('0.1');
    expect(asksForLessonPreset('#/collapse?preset=lesson&lambda=0.1')).toBe(true);
    expect([lambdaIn('#/collapse'), lambdaIn('#/score?lambda=1')]).toEqual([undefined, undefined]);
  });

  it('a kept file is named in the address of the Files view alone', () => {
    expect(routeOf(fileAddress('a&b'))).toBe('files');
    expect([fileIn(fileAddress('a&b')), fileIn(fileAddress()), fileIn('#/files?file=')]).toEqual([
      'a&b',
      undefined,
      undefined,
    ]);
    expect(fileIn('#/score?file=a')).toBeUndefined();
  });

  it('a bundled model is named too, unless a checkpoint is', () => {
    expect(scoreAddress(undefined, ['start'], 'general')).toBe('#/score?model=general&with=start');
    expect(modelIn('#/score?model=general&with=start')).toBe('general');
    expect(modelIn(scoreAddress('a', [], 'general'))).toBeUndefined();
    expect(modelIn('#/score?model=')).toBeUndefined();
    expect(bundledModel('general').folder).toBe('models/general/');
    expect([bundledModel(undefined), bundledModel('gone')]).toEqual([SCORE_MODEL, SCORE_MODEL]);
  });
});
