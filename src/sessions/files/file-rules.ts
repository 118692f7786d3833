/**
 * The own rules of an open file: they are found in its grades, read from files or edited, kept with the file, and
 * measured after each change. One change is made at a time.
 */
import * as v from 'valibot';
import type { JudgedFiles } from '../../checkpoint/judged-files.ts';
import { LabError, throwIfAborted } from '../../common/errors.ts';
import { Turns } from '../../common/turns.ts';
import { pausesOf } from '../../common/yield.ts';
import { parseConfig } from '../../config/parse.ts';
import { distinctDocuments } from '../../data/files/content-id.ts';
import { type RulesModel, rulesModel } from '../../infer/rules-model.ts';
import {
  FindingSchema,
  type RulesPart,
  type RulesProgress,
  RulesRequestSchema,
  type RulesState,
  type ShownRules,
  ShownRulesSchema,
} from '../../protocol/file-rules.ts';
import type { Exported } from '../../protocol/files.ts';
import { isOwnRules } from '../../protocol/model-choice.ts';
import { scaleOfSize } from '../../relevance/pair/labels.ts';
import { currentFolding } from '../../relevance/pair/text-folding.ts';
import { applyEdits } from '../../relevance/rules/instruction-edits.ts';
import { printInstruction, readInstruction } from '../../relevance/rules/instruction-text.ts';
import type { Instruction } from '../../relevance/rules/instruction.ts';
import { ownRulesSchema, rulesOf, toOwnRules } from '../../relevance/rules/own-rules.ts';
import { induceLexicon } from '../../relevance/rules/typed-document.ts';
import { identifyRuleFiles, instructionOf, lexiconOf } from '../../runs/rules-files.ts';
import { hashOfRules, type OwnRulesModel } from './file-model.ts';
import { type OpenFile, readRows } from './open-file.ts';
import { areSame, changedElsewhere } from './other-tabs.ts';
import { findRules, isEdited, judgedPairsOf, partOf, RulesMeasure } from './ruled-pairs.ts';

/** Larger files of rules are refused before they are read. */
const MAX_RULES_BYTES = 32 * 2 ** 20;
/** Changes that can be taken back; each holds the words of its rules. */
const MOST_UNDONE = 20;

/** The rules of a file as they are kept. */
const KeptRulesSchema = v.strictObject({
  rules: ownRulesSchema,
  finding: v.nullable(FindingSchema),
  read: ShownRulesSchema.entries.read,
});
type KeptRules = v.InferOutput<typeof KeptRulesSchema>;

/** The rules that are kept with a file; null for none that this version reads. */
function rulesIn({ rules }: OpenFile['record']): KeptRules | null {
  const read = v.safeParse(KeptRulesSchema, rules);
  return read.success ? read.output : null;
}

/** The rules of a record once its grades or columns have another meaning: what was measured in finding them is void. */
export function withoutFinding(record: OpenFile['record']): KeptRules | null {
  const kept = rulesIn(record);
  return kept === null ? null : { ...kept, finding: null };
}

/** The own rules of a file, which answer in place of a model; null if it has none. */
export function ownRulesOf({ record }: OpenFile): OwnRulesModel | null {
  const kept = rulesIn(record);
  return kept === null ? null : { model: modelOf(kept.rules), isFound: kept.finding !== null };
}

/** Where the rules of files are kept. */
type OpenRulesStore = () => Promise<Pick<JudgedFiles, 'get' | 'update'>>;

export class FileRules {
  readonly #store: OpenRulesStore;
  readonly #readCorrections: (open: OpenFile) => Promise<unknown>;
  readonly #turns = new Turns();
  /** Of the search for rules, and of all work with the open file. */
  #search = new AbortController();
  #work = new AbortController();
  #measure: RulesMeasure | undefined;
  /** The file whose rules were changed here, and its rules before each change. */
  #changed: { readonly id: string; readonly before: (KeptRules | null)[] } = { id: '', before: [] };

  /** @param readCorrections - reads those of a file into its scores, because rules are measured on them */
  constructor(store: OpenRulesStore, readCorrections: (open: OpenFile) => Promise<unknown>) {
    this.#store = store;
    this.#readCorrections = readCorrections;
  }

  /** Ends the search for rules. */
  stop(): void {
    this.#search.abort();
    this.#search = new AbortController();
  }

  /** Ends all work with the open file. */
  async halt(): Promise<void> {
    this.stop();
    this.#work.abort();
    this.#work = new AbortController();
    await this.#turns.ended;
    this.#measure = undefined; // it holds all graded pairs of a file
  }

  /** Grades or columns have another meaning: no undone change brings back what was measured before. */
  voidFindings(): void {
    const before = this.#changed.before.map((kept) => (kept === null ? null : { ...kept, finding: null }));
    this.#changed = { ...this.#changed, before };
  }

  /**
   * @throws {LabError} `bad-instruction` naming the line or the rule; `bad-file`; `bad-config`, also where another tab
   *   has changed the rules, which are then those of the file here too; `aborted`
   */
  ask(open: OpenFile, request: unknown, onProgress: (progress: RulesProgress) => void): Promise<RulesState> {
    const [search, { signal }] = [this.#search.signal, this.#work];
    return this.#turns.take(async () => {
      throwIfAborted(signal);
      await this.#readCorrections(open);
      if (this.#changed.id !== open.record.id) this.#changed = { id: open.record.id, before: [] };
      await this.#change(open, request, search, onProgress);
      return this.#state(open, signal);
    });
  }

  /** @throws {LabError} `not-found` if there are no rules */
  exportFile(open: OpenFile, part: RulesPart): Exported {
    const { instruction, lexicon } = keptIn(open).rules;
    const isText = part === 'instruction';
    const text = isText ? printInstruction(instruction) : `${JSON.stringify(lexicon, null, 1)}\n`;
    return {
      fileName: isText ? 'instruction.txt' : 'lexicon.json',
      file: new Blob([text], { type: isText ? 'text/plain' : 'application/json' }),
      notes: [],
    };
  }

  async #change(
    open: OpenFile,
    asked: unknown,
    search: AbortSignal,
    onProgress: (progress: RulesProgress) => void,
  ): Promise<void> {
    const request = parseConfig('What is asked of the rules', RulesRequestSchema, asked);
    switch (request.kind) {
      case 'look':
        return this.#lookAgain(open);
      case 'find': {
        throwIfAborted(search);
        const found = await findRules(judgedPairsOf(open), readRows(open).name.slice(0, 80), search, onProgress);
        throwIfAborted(search);
        return this.#keep(open, { ...found, read: null });
      }
      case 'edit': {
        const kept = keptIn(open);
        return this.#keep(open, withInstruction(kept, applyEdits(kept.rules.instruction, [request.edit])));
      }
      case 'text':
        return this.#keep(open, withInstruction(keptIn(open), readInstruction(request.text)));
      case 'read':
        return this.#keep(open, await readRules(open, request.files));
      case 'undo': {
        const before = this.#changed.before.at(-1);
        if (before === undefined) return undefined;
        await this.#keep(open, before, true);
        this.#changed.before.pop();
        return undefined;
      }
      case 'discard':
        return this.#keep(open, null);
      default:
        return request satisfies never;
    }
  }

  /**
   * Stores rules with the file. The change is refused if another tab has changed them, because the person has not seen
   * those. A model made of the rules before is dropped, so that none scores by old rules.
   */
  async #keep(open: OpenFile, rules: KeptRules | null, isUndone = false): Promise<void> {
    const before = rulesIn(open.record);
    const checked = rules === null ? null : parseConfig('The rules of a file', KeptRulesSchema, rules);
    const [store, { id }] = [await this.#store(), open.record];
    let other: OpenFile['record'] | undefined;
    const update = (now: OpenFile['record']): Pick<OpenFile['record'], 'rules'> => {
      if (areSame(now.rules, open.record.rules)) return { rules: checked };
      other = now;
      throw changedElsewhere('The rules');
    };
    dropOwnModel(open);
    try {
      open.record = await store.update(id, update);
    } catch (thrown) {
      if (other !== undefined) this.#takeOver(open, other);
      throw thrown;
    }
    if (!isUndone) this.#changed.before.push(before);
    if (this.#changed.before.length > MOST_UNDONE) this.#changed.before.shift();
  }

  /** Reads the rules again, because another tab may have changed them. */
  async #lookAgain(open: OpenFile): Promise<void> {
    const now = await (await this.#store()).get(open.record.id);
    if (areSame(now.rules, open.record.rules)) return;
    dropOwnModel(open);
    this.#takeOver(open, now);
  }

  /** Takes the rules of another tab; changes made here before cannot be undone, because they were made to others. */
  #takeOver(open: OpenFile, { id, rules }: OpenFile['record']): void {
    open.record = { ...open.record, rules };
    this.#changed = { id, before: [] };
  }

  async #state(open: OpenFile, signal: AbortSignal): Promise<RulesState> {
    const judged = judgedPairsOf(open);
    const kept = rulesIn(open.record);
    const rules = kept === null ? null : await this.#show(kept, judged, signal);
    return { judged: partOf(judged.pairs), rules, canUndo: this.#changed.before.length > 0 };
  }

  async #show(
    { rules, finding, read }: KeptRules,
    judged: ReturnType<typeof judgedPairsOf>,
    signal: AbortSignal,
  ): Promise<ShownRules> {
    const { instruction, lexicon } = rules;
    if (this.#measure?.fits(judged, lexicon) !== true) this.#measure = new RulesMeasure(judged, lexicon);
    const isJudged = judged.pairs.length > 0;
    const reported = new Set(finding?.reported);
    const measured = isJudged ? await this.#measure.measure(instruction, reported, pausesOf(signal)) : undefined;
    const isChanged = finding !== null && isEdited(instruction, finding);
    return {
      name: instruction.name,
      labelNames: [...scaleOfSize(instruction.scaleSize).names],
      lines: instruction.rules.map(({ id, criterion, text, cap }, i) => ({
        id,
        criterion,
        text,
        cap,
        measured: measured?.lines[i] ?? null,
      })),
      text: printInstruction(instruction),
      hash: await hashOfRules(modelOf(rules)),
      measured: measured?.all ?? null,
      finding,
      edited: isChanged ? (measured?.report ?? null) : null,
      read,
    };
  }
}

/** Drops a model that is made of the rules of a file. */
function dropOwnModel(open: OpenFile): void {
  if (open.model !== undefined && isOwnRules(open.model.scoring.choice)) open.model = undefined;
}

function modelOf(rules: KeptRules['rules']): RulesModel {
  const { instruction } = rules;
  const scale = scaleOfSize(instruction.scaleSize);
  return rulesModel({ ...rulesOf(rules, currentFolding()), scale }, instruction.name);
}

function keptIn({ record }: OpenFile): KeptRules {
  const kept = rulesIn(record);
  if (kept !== null) return kept;
  throw new LabError('not-found', { message: 'This file has no rules to change.', fix: 'Find some first.' });
}

function withInstruction(kept: KeptRules, instruction: Instruction): KeptRules {
  return { ...kept, rules: { ...kept.rules, instruction } };
}

/** Rules from files; without a lexicon, its words are taken from the documents of the open file. */
async function readRules(
  open: OpenFile,
  files: readonly { readonly name: string; readonly blob: Blob }[],
): Promise<KeptRules> {
  const large = files.find(({ blob }) => blob.size > MAX_RULES_BYTES);
  if (large !== undefined) {
    throw new LabError('bad-file', {
      message: `${large.name} is too large for a file of rules.`,
      expected: `at most ${MAX_RULES_BYTES / 2 ** 20} MiB`,
      fix: 'Choose an instruction as "lab piar" writes it, with its lexicon.json.',
    });
  }
  const texts = await Promise.all(files.map(async ({ name, blob }) => ({ name, text: await blob.text() })));
  const found = identifyRuleFiles(texts);
  const documents = readRows(open).rows.map(({ pair }) => pair.document);
  const lexicon = found.lexicon === undefined ? induceLexicon(distinctDocuments(documents)) : lexiconOf(found.lexicon);
  return {
    rules: toOwnRules(instructionOf(found.instruction), lexicon),
    finding: null,
    read: { name: found.instruction.name, isLexiconInduced: found.lexicon === undefined },
  };
}
