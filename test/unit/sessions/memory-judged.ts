/** A store of judged files in memory, with what the one of the browser promises. */
import {
  changeOf,
  type JudgedBytes,
  type JudgedChange,
  type JudgedRecord,
  type JudgedUpdate,
} from '../../../src/checkpoint/judged-files.ts';
import { isSameCorrection, type KeptCorrection, type KeptScores } from '../../../src/checkpoint/judged-parts.ts';
import { LabError } from '../../../src/common/errors.ts';
import type { JudgedStore } from '../../../src/sessions/files/files-service.ts';

interface Kept {
  record: JudgedRecord;
  readonly files: readonly JudgedBytes[];
  readonly scores: Map<number, KeptScores>;
  readonly corrections: KeptCorrection[];
}

export class MemoryJudged implements JudgedStore {
  readonly kept = new Map<string, Kept>();
  /** Called after each batch of scores. */
  onScores: (batches: number) => void = () => undefined;

  async list(): Promise<{ records: JudgedRecord[]; damaged: string[] }> {
    await Promise.resolve();
    return { records: [...this.kept.values()].map(({ record }) => record).toReversed(), damaged: [] };
  }

  async add(files: readonly JudgedBytes[], change: JudgedChange): Promise<JudgedRecord> {
    await Promise.resolve();
    const record: JudgedRecord = {
      schemaVersion: 1,
      id: `file-${this.kept.size + 1}`,
      createdAt: 1,
      files: files.map(({ name, blob }) => ({ name, sizeBytes: blob.size })),
      shape: '',
      columns: {},
      grades: '',
      isMapped: false,
      scored: 0,
      scoring: null,
      ...change,
    };
    this.kept.set(record.id, { record, files, scores: new Map(), corrections: [] });
    return record;
  }

  async get(id: string): Promise<JudgedRecord> {
    await Promise.resolve();
    return this.#of(id).record;
  }

  async files({ id }: JudgedRecord): Promise<JudgedBytes[]> {
    await Promise.resolve();
    return [...this.#of(id).files];
  }

  async update(id: string, change: JudgedUpdate): Promise<JudgedRecord> {
    await Promise.resolve();
    const kept = this.#of(id);
    kept.record = { ...kept.record, ...changeOf(change, kept.record) };
    return kept.record;
  }

  async remove(id: string): Promise<void> {
    await Promise.resolve();
    this.kept.delete(id);
  }

  async keepScores(id: string, number: number, scores: KeptScores, change: JudgedUpdate): Promise<void> {
    await this.update(id, change);
    this.#of(id).scores.set(number, structuredClone(scores));
    this.onScores(number + 1);
  }

  async scores(id: string): Promise<KeptScores[]> {
    await Promise.resolve();
    return [...this.#of(id).scores.values()];
  }

  async dropScores(id: string, change: JudgedUpdate): Promise<JudgedRecord> {
    const record = await this.update(id, (now) => ({ ...changeOf(change, now), scored: 0 }));
    this.#of(id).scores.clear();
    return record;
  }

  async addCorrection(id: string, correction: KeptCorrection, check?: (now: JudgedRecord) => void): Promise<void> {
    await Promise.resolve();
    const { record, corrections } = this.#of(id);
    check?.(record);
    if (!isSameCorrection(corrections.at(-1), correction)) corrections.push(correction);
  }

  async dropCorrection(id: string, correction: KeptCorrection): Promise<void> {
    await Promise.resolve();
    const { corrections } = this.#of(id);
    const at = corrections.findLastIndex((one) => isSameCorrection(one, correction));
    if (at >= 0) corrections.splice(at, 1);
  }

  async corrections(id: string): Promise<KeptCorrection[]> {
    await Promise.resolve();
    return [...this.#of(id).corrections];
  }

  #of(id: string): Kept {
    const kept = this.kept.get(id);
    if (kept === undefined) throw new LabError('not-found', { message: `There is no ${id}.` });
    return kept;
  }
}
