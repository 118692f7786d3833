/** The thread of the Files view that loses its GPU or ends: what is asked next is done in another one. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LabError, type LabErrorCode } from '../../../../src/common/errors.ts';
import type { FileScoring, FileScoringEvent, FileTable, OpenedFile } from '../../../../src/protocol/files.ts';
import type { FilesClient } from '../../../../src/ui/files/thread/files-client.ts';
import { FilesController } from '../../../../src/ui/files/files-controller.ts';

const SCORING: FileScoring = {
  choice: { kind: 'checkpoint', id: 'c' },
  modelName: 'm',
  modelHash: 'h',
  backend: 'webgpu',
  labelNames: ['bad', 'good'],
  rubric: ['', ''],
  gradeNames: ['bad', 'good'],
  gradeTexts: [],
  mapping: [0, 1],
  folding: 2,
  givesReasons: false,
  trainedOn: null,
  warnings: [],
  pairs: 4,
  state: 'paused',
};

function tableOf(scored: number): FileTable {
  const four = Int32Array.of(0, 1, 2, 3);
  return {
    scoring: SCORING,
    rows: four,
    queryOf: new Int32Array(4),
    queries: [{ id: 'q', text: 'q' }],
    titles: ['', '', '', ''],
    docIds: ['0', '1', '2', '3'],
    golds: new Int8Array(4).fill(-1),
    scores: Array.from({ length: scored }, (_, place) => scoresOf(place)),
    corrections: [],
  };
}

function scoresOf(place: number): FileTable['scores'][number] {
  return {
    places: Int32Array.of(place),
    probabilities: Float64Array.of(0.25, 0.75),
    cut: new Uint8Array(1),
    unfit: [],
  };
}

type Trouble = LabErrorCode | 'end';

/**
 * Threads over one store, which score a pair after the other. `troubles` are told by the number of a pair, or of a load
 * of a model as `load 1`; each comes once.
 */
function setUp(troubles: Record<string, readonly Trouble[]>) {
  const left = new Map(Object.entries(troubles).map(([at, all]) => [at, [...all]]));
  const said: string[] = [];
  const kept: (number | null)[] = [];
  let scored = 0;
  let loads = 0;
  let threads = 0;
  const openFiles = (): Promise<FilesClient> => {
    threads += 1;
    let isOpen = false;
    let isLost = false;
    let isPrepared = false;
    let breaks: () => void = () => undefined;
    const broken = new Promise<void>((resolve) => (breaks = resolve));
    const meet = (at: string): void => {
      const trouble = left.get(at)?.shift();
      if (trouble === undefined) return;
      isLost = true;
      if (trouble === 'end') breaks();
      throw new LabError(trouble === 'end' ? 'internal' : trouble, { message: `Trouble at ${at}.` });
    };
    const sound = (): void => {
      if (!isOpen) throw new LabError('not-found', { message: 'No file is open.' });
      if (isLost) throw new LabError('internal', { message: 'This thread has lost its GPU, or ended.' });
    };
    const client: Partial<FilesClient> = {
      broken,
      close: () => undefined,
      list: () => Promise.resolve({ entries: [], damaged: [] }),
      open: (id) => {
        isOpen = true;
        said.push(`open in thread ${threads}`);
        const entry = { id, name: 'a.csv', createdAt: 1, sizeBytes: 1, scored, scoring: SCORING };
        return Promise.resolve({ entry, previews: [], roles: [], columns: {}, grades: '', reading: { format: '', sheet: '' }, layout: null, layouts: [], sheets: [], notes: [], isMapped: true, isRemembered: false, survey: null, failure: null } as unknown as OpenedFile); // prettier-ignore
      },
      table: () => Promise.resolve(tableOf(scored)),
      bm25Ranks: () => Promise.resolve(Int32Array.of(0, 1, 2, 3)),
      prepare: async () => {
        sound();
        loads += 1;
        await Promise.resolve();
        meet(`load ${loads}`);
        isPrepared = true;
        return SCORING;
      },
      score: async (emit: (event: FileScoringEvent) => void) => {
        sound();
        try {
          while (scored < 4) {
            meet(`${scored}`);
            emit({ kind: 'scores', scores: scoresOf(scored) });
            scored += 1;
          }
        } catch (thrown) {
          const { code, message } = thrown as LabError;
          if (code === 'internal') throw thrown;
          emit({ kind: 'failed', code, message });
          return;
        }
        await Promise.resolve();
        emit({ kind: 'ended', state: 'done' });
      },
      without: () => {
        sound();
        if (!isPrepared) throw new LabError('internal', { message: 'No model is loaded.' });
        meet('without');
        return Promise.resolve({ words: ['red'], probabilities: [0.5, 0.5] });
      },
      correct: async (correction) => {
        sound();
        await Promise.resolve();
        meet('correct');
        kept.push(correction.label);
      },
      measure: () => Promise.resolve(null),
    };
    return Promise.resolve(client as FilesClient);
  };
  const controller = new FilesController({
    addController: () => undefined,
    removeController: () => undefined,
    requestUpdate: () => undefined,
    updateComplete: Promise.resolve(true),
  });
  const openStore = () => Promise.resolve({ model: () => Promise.resolve({ name: 'c', files: {} }) });
  controller.use({ openFiles, openStore: openStore as never, backend: 'webgpu' });
  return { controller, said, kept, threads: () => threads };
}

beforeEach(() => {
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'hidden' }));
  vi.stubGlobal('navigator', {});
});
afterEach(() => vi.unstubAllGlobals());

describe('a GPU that is lost in the Files view', () => {
  it('while pairs are scored is opened in another thread, which scores the rest', async () => {
    const { controller, said } = setUp({ 2: ['backend-lost'] });
    await controller.open('a');
    await controller.resume();
    expect(said).toEqual(['open in thread 1', 'open in thread 2']);
    expect(controller.table?.scored).toBe(4);
    expect(controller.failure).toBeUndefined();
  });

  it('and lost once more while it is opened, or not yet back, is opened once more', async () => {
    for (const again of ['backend-lost', 'no-backend'] as const) {
      const { controller, threads } = setUp({ 2: ['backend-lost'], 'load 2': [again] });
      await controller.open('a');
      await controller.resume();
      expect(controller.table?.scored).toBe(4);
      expect(controller.failure).toBeUndefined();
      expect(threads()).toBe(3);
    }
  });

  it('again and again without a pair in between is reported, and a person can go on', async () => {
    const { controller } = setUp({ 2: ['backend-lost', 'backend-lost', 'backend-lost'] });
    await controller.open('a');
    await controller.resume();
    expect(controller.failure).toMatchObject({ code: 'backend-lost' });
    expect(controller.table?.scored).toBe(2);
    expect(controller.isScoring).toBe(false);
    await controller.resume();
    expect(controller.table?.scored).toBe(4);
    expect(controller.failure).toBeUndefined();
  });

  it('while a pair is scored without a word scores it on the next one', async () => {
    const { controller, threads } = setUp({ without: ['backend-lost', 'backend-lost'] });
    await controller.open('a');
    expect(await controller.without(0, ['red'])).toMatchObject({ probabilities: [0.5, 0.5] });
    expect(threads()).toBe(3);
  });
});

describe('a thread of the Files view that ends', () => {
  it('while it scores is reported, and the next one goes on from what was kept', async () => {
    const { controller, said } = setUp({ 3: ['end'] });
    await controller.open('a');
    await controller.resume();
    expect(controller.failure).toMatchObject({ code: 'internal', message: 'Trouble at 3.' });
    expect(controller.table?.scored).toBe(3);
    await controller.resume();
    expect(said.at(-1)).toBe('open in thread 2');
    expect(controller.table?.scored).toBe(4);
    expect(controller.failure).toBeUndefined();
  });

  it('while it keeps a grade keeps it in the next one', async () => {
    const { controller, kept, threads } = setUp({ correct: ['end'] });
    await controller.open('a');
    await controller.correct(0, 1, 'judge');
    expect(kept).toEqual([1]);
    expect(threads()).toBe(2);
    expect(controller.failure).toBeUndefined();
  });
});
