/**
 * "Rules from your judgments" in the Files view: the rules of the open file as its thread keeps and measures them. One
 * change is asked for at a time.
 *
 * Room `ui/files/rules/`: the own rules of a file, which answer in place of a model.
 */
import type { ReactiveControllerHost } from 'lit';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import type { RulesPart, RulesProgress, RulesRequest, RulesState } from '../../../protocol/file-rules.ts';
import type { FilesApi } from '../../../protocol/files.ts';
import type { Edit } from '../../../relevance/rules/instruction-edits.ts';
import { download } from '../../parts/download.ts';

/** Asks the thread of the Files view. @throws what the thread throws */
type AskThread = <T>(ask: (thread: Pick<FilesApi, 'rules' | 'stopRules' | 'rulesFile'>) => Promise<T>) => Promise<T>;

export class OwnRulesController {
  /** Undefined until the thread has answered. */
  state: RulesState | undefined;
  /** Of the search for rules; null before it says anything, undefined if there is none. */
  progress: RulesProgress | null | undefined;
  /** Whether a change is under way. */
  isBusy = false;
  failure: Failure | undefined;
  /** The rules as they are being edited as text; undefined if they are not. */
  draft: string | undefined;
  /** Increases with each change. */
  version = 0;
  readonly #host: ReactiveControllerHost;
  readonly #ask: AskThread;
  readonly #answered: (state: RulesState, isChanged: boolean) => void;
  #fileId: string | undefined;
  /** How many times a file was looked at: answers to what was asked before are about another. */
  #looks = 0;

  /** @param answered - called with the rules of the file each time the thread has said them, and if it changed them */
  constructor(host: ReactiveControllerHost, ask: AskThread, answered: (state: RulesState, isChanged: boolean) => void) {
    this.#host = host;
    this.#ask = ask;
    this.#answered = answered;
  }

  get isFinding(): boolean {
    return this.progress !== undefined;
  }

  /** Asks for the rules of a file that was opened, or that is back with other grades. */
  async look(fileId: string | undefined): Promise<void> {
    if (fileId === this.#fileId && this.isFinding) return; // it answers when it ends
    this.#looks += 1;
    if (fileId !== this.#fileId) this.draft = undefined;
    this.#fileId = fileId;
    this.#show({ state: undefined, progress: undefined, isBusy: false, failure: undefined });
    if (fileId !== undefined) await this.#request({ kind: 'look' });
  }

  /** Looks again after another tab may have changed the rules, unless they are being changed here. */
  async lookAgain(): Promise<void> {
    if (!this.isBusy && this.draft === undefined) await this.look(this.#fileId);
  }

  /** Finds rules in the grades of the file, until they are found or {@link stop}. */
  async find(): Promise<void> {
    if (this.isBusy) return;
    this.#show({ progress: null });
    await this.#request({ kind: 'find' });
  }

  async stop(): Promise<void> {
    try {
      await this.#ask((thread) => thread.stopRules());
    } catch (thrown) {
      this.#show({ failure: failureOf(thrown) });
    }
  }

  edit(edit: Edit): Promise<boolean> {
    return this.#change({ kind: 'edit', edit });
  }

  read(files: readonly { readonly name: string; readonly blob: Blob }[]): Promise<boolean> {
    return this.#change({ kind: 'read', files: [...files] });
  }

  undo(): Promise<boolean> {
    return this.#change({ kind: 'undo' });
  }

  discard(): Promise<boolean> {
    return this.#change({ kind: 'discard' });
  }

  /** Edits the rules as text; undefined ends that without a change. */
  write(draft: string | undefined): void {
    this.#show({ draft, failure: undefined });
  }

  /** Takes the text as it was edited; it stays where it cannot be read. @returns whether it was taken */
  async take(): Promise<boolean> {
    const { draft } = this;
    if (draft === undefined) return false;
    const isTaken = await this.#change({ kind: 'text', text: draft });
    if (isTaken) this.#show({ draft: undefined });
    return isTaken;
  }

  async download(part: RulesPart): Promise<void> {
    try {
      const { file, fileName } = await this.#ask((thread) => thread.rulesFile(part));
      download(file, fileName);
    } catch (thrown) {
      this.#show({ failure: failureOf(thrown) });
    }
  }

  #change(request: RulesRequest): Promise<boolean> {
    return this.isBusy ? Promise.resolve(false) : this.#request(request);
  }

  /** @returns whether it was carried out */
  async #request(request: RulesRequest): Promise<boolean> {
    const look = this.#looks;
    const isCurrent = (): boolean => look === this.#looks;
    this.#show({ isBusy: true, failure: undefined });
    let failure: Failure | undefined;
    try {
      const state = await this.#ask((thread) =>
        thread.rules(request, (progress) => {
          if (isCurrent()) this.#show({ progress });
        }),
      );
      if (!isCurrent()) return false;
      this.#show({ state });
      this.#answered(state, request.kind !== 'look');
    } catch (thrown) {
      failure = failureOf(thrown);
      if (request.kind !== 'look' && failure.code !== 'aborted') await this.#lookAgain(isCurrent);
    }
    if (!isCurrent()) return false;
    // A search that was stopped has not failed.
    this.#show({ isBusy: false, progress: undefined, failure: failure?.code === 'aborted' ? undefined : failure });
    return failure === undefined;
  }

  /** Shows what is kept after a refusal, because another tab may have changed it. */
  async #lookAgain(isCurrent: () => boolean): Promise<void> {
    const state = await this.#ask((thread) => thread.rules({ kind: 'look' }, () => undefined)).catch(() => undefined);
    if (state === undefined || !isCurrent()) return;
    this.#show({ state });
    this.#answered(state, false);
  }

  #show(change: Partial<Pick<OwnRulesController, 'state' | 'progress' | 'isBusy' | 'failure' | 'draft'>>): void {
    Object.assign(this, change);
    this.version += 1;
    this.#host.requestUpdate();
  }
}
