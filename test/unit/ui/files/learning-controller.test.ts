/** The lesson of a file on its way, with threads that do what they are told. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { OpenedFile } from '../../../../src/protocol/files.ts';
import type { Learning } from '../../../../src/protocol/learning.ts';
import type { TrainingEvent } from '../../../../src/protocol/training.ts';
import type { FilesClient } from '../../../../src/ui/files/thread/files-client.ts';
import type { FilesController } from '../../../../src/ui/files/files-controller.ts';
import { LearningController } from '../../../../src/ui/files/learning-controller.ts';
import type { CheckpointClient } from '../../../../src/ui/parts/sessions/checkpoint-client.ts';
import type { TrainingClient } from '../../../../src/ui/parts/sessions/training-client.ts';

const LEARNING: Learning = {
  runId: 'r', name: 'n', from: { kind: 'checkpoint', id: 'old' }, fromName: 'old', pairs: 1, queries: 1, heldOut: [],
  checkpointId: null, comparison: null,
}; // prettier-ignore

function opened(id: string, grades = ''): OpenedFile {
  const entry = { id, name: id, createdAt: 1, sizeBytes: 1, scored: 0, scoring: null };
  return { entry, previews: [], roles: [], columns: {}, grades, reading: { format: '', sheet: '' }, layout: null, layouts: [], sheets: [], notes: [], isMapped: true, isRemembered: false, survey: null, failure: null }; // prettier-ignore
}

/** A controller in which a lesson of file "a" is under way. */
class Lesson {
  readonly kept: [string, string | null | undefined][] = [];
  readonly compared: string[] = [];
  readonly commands: string[] = [];
  readonly files = {
    openId: 'a',
    table: undefined,
    prepared: undefined,
    tell: () => undefined,
  } as unknown as FilesController & {
    openId: string;
  };
  readonly controller: LearningController;
  emit: ((event: TrainingEvent) => void) | undefined;

  constructor() {
    const thread = {
      learning: () => Promise.resolve(null),
      lesson: () => Promise.resolve({ learning: LEARNING, file: { name: 'p', blob: new Blob() }, grades: '' }),
      keepLearning: (fileId: string, learning: Learning | null) => {
        this.kept.push([fileId, learning?.checkpointId]);
        return Promise.resolve();
      },
      compare: (_: unknown, __: unknown, fileId: string) => {
        this.compared.push(fileId);
        return Promise.resolve({ ...LEARNING, checkpointId: 'new' });
      },
    } as unknown as FilesClient;
    this.files.given = (ask) => ask(thread);
    const training = {
      readData: () => Promise.resolve({ name: 'p', sha256: 's' }),
      run: (_: unknown, emit: (event: TrainingEvent) => void) => {
        this.emit = emit;
        return new Promise<void>(() => undefined);
      },
      command: ({ kind }: { kind: string }) => {
        this.commands.push(kind);
        return Promise.resolve();
      },
      close: () => undefined,
    } as unknown as TrainingClient;
    const store = { model: () => Promise.resolve({ files: {} }) } as unknown as CheckpointClient;
    const host = { addController: () => undefined, removeController: () => undefined, requestUpdate: () => undefined, updateComplete: Promise.resolve(true) }; // prettier-ignore
    this.controller = new LearningController(host, this.files, () => ({
      openTraining: () => Promise.resolve(training),
      openStore: () => Promise.resolve(store),
      backend: 'wasm',
    }));
  }

  async begin(): Promise<void> {
    await this.controller.look(opened('a'), true);
    await this.controller.start(undefined);
    await expect.poll(() => this.emit).toBeDefined(); // the run begins when its thread is open
    expect(this.kept).toEqual([['a', null]]);
  }

  finish(): void {
    this.emit?.({ kind: 'finished', checkpointId: 'new' } as TrainingEvent);
  }
}

describe('LearningController', () => {
  let lesson: Lesson;
  beforeEach(async () => {
    vi.stubGlobal('document', { visibilityState: 'visible', baseURI: 'https://lab.test/' });
    vi.stubGlobal('requestAnimationFrame', () => 0);
    lesson = new Lesson();
    await lesson.begin();
  });

  it('keeps what was learned with its file, and compares it there', async () => {
    lesson.finish();
    await expect.poll(() => lesson.compared).toEqual(['a']);
    expect(lesson.kept.at(-1)).toEqual(['a', 'new']);
    await expect.poll(() => lesson.controller.learning?.checkpointId).toBe('new');
  });

  it('keeps what was learned with its file, although another one is open by then', async () => {
    lesson.files.openId = 'b';
    await lesson.controller.look(opened('b'), true);
    expect(lesson.commands).toEqual(['stop']);
    lesson.finish(); // the last step was made before the stop
    await expect.poll(() => lesson.kept.at(-1)).toEqual(['a', 'new']);
    expect(lesson.controller.learning).toBeNull();
    expect(lesson.compared).toEqual([]);
  });

  it('forgets a lesson under other grades, and stops its run', async () => {
    await lesson.controller.look(opened('a', 'yes=1'), false);
    expect(lesson.controller.learning).toBeNull();
    expect(lesson.commands).toEqual(['stop']);
    lesson.finish();
    await lesson.controller.look(opened('a', 'yes=1'), true);
    expect(lesson.kept).toEqual([['a', null]]);
    expect(lesson.controller.learning).toBeNull();
  });

  it('goes on while the list of files is shown', async () => {
    await lesson.controller.look(undefined, false);
    expect(lesson.commands).toEqual([]);
    expect(lesson.controller.learning).toEqual(LEARNING);
  });
});
