/**
 * What the next demonstration starts from and learns from, as the reader chooses it: a start, its data or a file, and rules
 * of one's own. Files are read in the thread that will learn from them.
 */
import type { ReactiveControllerHost } from 'lit';
import type { CheckpointOverview } from '../../protocol/checkpoints.ts';
import type { ColumnWishes, DataSummary } from '../../protocol/imported-data.ts';
import type { DataKind } from '../../protocol/sft-experiment.ts';
import { DEFAULT_SCALE } from '../../relevance/pair/labels.ts';
import { DataController, type OpenDataReader } from '../parts/data-controller.ts';
import { BUNDLED_SOURCE, type DemonstrationData, type DemonstrationSource } from './demonstration.ts';
import { type DemonstrationStart, demonstrationStarts } from './demonstration-starts.ts';
import { type OpenRulesReader, RulesController, type RulesPurpose, withOwnRules } from '../parts/rules-controller.ts';

/** A file that is still to be chosen. */
const NO_FILE: DemonstrationData = { kind: 'file', name: '', sha256: '' };

export class SourceController {
  readonly data: DataController;
  readonly rules: RulesController;
  /** Without own rules. */
  chosen: DemonstrationSource = BUNDLED_SOURCE;
  readonly #host: ReactiveControllerHost;
  readonly #open: OpenDataReader & OpenRulesReader;
  readonly #overview: () => CheckpointOverview | undefined;

  /**
   * @param open - gives the thread that reads
   * @param overview - of the checkpoints that this browser keeps
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

  /** Checkpoints that can be started from. */
  get starts(): readonly DemonstrationStart[] {
    return demonstrationStarts(this.#overview());
  }

  /** Whether all is there to begin. */
  get isReady(): boolean {
    const { data } = this.chosen;
    return this.rules.state.reading === undefined && (data.kind === 'world' || data.sha256 !== '');
  }

  /** What was chosen, own rules included. */
  get source(): DemonstrationSource {
    return { ...this.chosen, data: withOwnRules(this.chosen.data, this.rules.state) };
  }

  /** With a checkpoint comes the data that it learned from: what was held out from it stays held out. */
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

  /** Reads the same files with other words about their columns. */
  async readColumns(wishes: ColumnWishes): Promise<void> {
    await this.#use(await this.data.readWith(this.#open, wishes));
  }

  /** @param grades - what the grades of the file mean, as protocol/grade-meanings.ts reads it */
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

  /** Undefined for the bundled one. */
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
