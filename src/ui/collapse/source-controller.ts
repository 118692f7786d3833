/**
 * The reader's choice of start and data for the next demonstration: a start, its data or a file, and the user's own
 * rules. Files are read in the worker that will learn from them.
 */
import type { ReactiveControllerHost } from 'lit';
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import type { ColumnWishes, DataSummary } from '../../protocol/imported-data.ts';
import type { DataKind } from '../../protocol/sft-experiment.ts';
import { DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { DataController, type OpenDataReader } from '../parts/forms/data-controller.ts';
import { BUNDLED_SOURCE, type DemonstrationData, type DemonstrationSource } from './demonstration.ts';
import { type DemonstrationStart, demonstrationStarts } from './demonstration-starts.ts';
import {
  type OpenRulesReader,
  RulesController,
  type RulesPurpose,
  withOwnRules,
} from '../parts/forms/rules-controller.ts';

/** A file that is not chosen yet. */
const NO_FILE: DemonstrationData = { kind: 'file', name: '', sha256: '' };

export class SourceController {
  readonly data: DataController;
  readonly rules: RulesController;
  /** Without the user's own rules. */
  chosen: DemonstrationSource = BUNDLED_SOURCE;
  readonly #host: ReactiveControllerHost;
  readonly #open: OpenDataReader & OpenRulesReader;
  readonly #overview: () => CheckpointOverview | undefined;

  /**
   * @param open - opens the worker that reads
   * @param overview - of the checkpoints of this browser
   */
  constructor(
    host: ReactiveControllerHost,
    open: OpenDataReader & OpenRulesReader,
    overview: () => CheckpointOverview | undefined,
  ) {
    this.#host = host;
    this.#open = open;
    this.#overview = overview;
    this.data = new DataController(host);
    this.rules = new RulesController(host);
  }

  /** Checkpoints to start from. */
  get starts(): readonly DemonstrationStart[] {
    return demonstrationStarts(this.#overview());
  }

  /** Whether the choice is complete. */
  get isReady(): boolean {
    const { data } = this.chosen;
    return this.rules.state.reading === undefined && (data.kind === 'world' || data.sha256 !== '');
  }

  /** The choice, including the user's own rules. */
  get source(): DemonstrationSource {
    return { ...this.chosen, data: withOwnRules(this.chosen.data, this.rules.state) };
  }

  /** A checkpoint brings its training data, so that what was held out from it stays held out. */
  chooseStart(startId: string): void {
    this.rules.drop();
    this.#choose({ startId, data: this.#start(startId)?.data ?? BUNDLED_SOURCE.data });
  }

  chooseKind(kind: DataKind): void {
    this.rules.drop();
    const ofStart = this.#start()?.data ?? BUNDLED_SOURCE.data;
    const other = kind === 'world' ? BUNDLED_SOURCE.data : NO_FILE;
    this.#choose({ ...this.chosen, data: ofStart.kind === kind ? ofStart : other });
  }

  async readData(files: readonly File[]): Promise<void> {
    await this.#use(await this.data.read(this.#open, files));
  }

  /** Reads the same files with other column assignments. */
  async readColumns(wishes: ColumnWishes): Promise<void> {
    await this.#use(await this.data.readWith(this.#open, wishes));
  }

  /** @param grades - the meanings of the file's grades, as in protocol/grade-meanings.ts */
  async sayGrades(grades: string): Promise<void> {
    const { data } = this.chosen;
    if (data.kind !== 'file') return;
    this.#choose({ ...this.chosen, data: { ...data, grades } });
    await this.rules.readFor(this.#open, this.#purpose());
  }

  async #use(summary: DataSummary | undefined): Promise<void> {
    if (summary === undefined) return;
    const { name, sha256 } = summary;
    const ofStart = this.#start()?.data;
    const isOfStart = ofStart?.kind === 'file' && ofStart.sha256 === sha256;
    this.#choose({ ...this.chosen, data: isOfStart ? ofStart : { kind: 'file', name, sha256 } });
    await this.rules.readFor(this.#open, this.#purpose());
  }

  async readRules(files: readonly File[]): Promise<void> {
    await this.rules.read(this.#open, files, this.#purpose());
  }

  /** Undefined for the bundled start. */
  #start(id = this.chosen.startId): DemonstrationStart | undefined {
    return this.starts.find((start) => start.id === id);
  }

  #purpose(): RulesPurpose {
    return { data: this.chosen.data, scaleSize: this.#start()?.scaleSize ?? DEFAULT_SCALE.size };
  }

  #choose(source: DemonstrationSource): void {
    this.chosen = source;
    this.#host.requestUpdate();
  }
}
