/** What scores the pairs of a file: a model on a backend, or rules alone. */
import { dirname, join } from 'node:path';
import { type DecodingKind, defaultDecoding } from '../../config/decoding.ts';
import { LabError } from '../../common/errors.ts';
import {
  type LabModel,
  type ModelFileName,
  onScale,
  readLabModel,
  toBackend,
  whyNoReasons,
} from '../../infer/lab-model.ts';
import { answerByRules, identityOf, type RulesModel, rulesModel, spokenTrace } from '../../infer/rules-model.ts';
import type { ScoredItem } from '../../infer/score-pairs.ts';
import { describeMemory } from '../../model/memory.ts';
import type { Precision } from '../../model/stored-weights.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { scaleOfSize } from '../../relevance/pair/labels.ts';
import type { PromptConfig } from '../../relevance/prompt/prompt.ts';
import { formatTrace } from '../../relevance/trace/trace.ts';
import { commonScaleOf, type FileSurvey, labelsFor } from '../../runs/score/score-rows.ts';
import { LEXICON_FILE, readInstructionFile, readLexicon } from '../instruction-files.ts';
import { type EncoderOptions, withEncoder } from '../encoder-folder.ts';
import { readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import { note } from '../terminal.ts';
import { hashBytes } from '../content-hashes.ts';
import { type Reason, reasonsOf } from './score-output.ts';

export interface ScorerOptions extends EncoderOptions {
  readonly model: string;
  readonly rulesAlone?: true | string;
  readonly precision?: Precision;
  readonly backend: BackendChoice;
  readonly labels?: number;
  readonly decoding?: DecodingKind;
  readonly proof?: string;
}

export interface Scorer {
  readonly model: LabModel | RulesModel;
  /** What must be unchanged to resume. */
  readonly identity: {
    readonly model: string;
    readonly encoder?: string;
    readonly backend: string;
    readonly decoding?: string;
  };
  /** Why there are no reasons; undefined if there are. */
  readonly silence: string | undefined;
  readonly reasonsOf: (batch: readonly ScoredItem<PairRow>[]) => Promise<readonly Reason[]>;
  /** What a proof is made of; undefined for rules and with an encoder, of which there is none. */
  readonly proven:
    | {
        readonly model: LabModel;
        readonly files: ReadonlyMap<ModelFileName, Uint8Array>;
        readonly backend: 'webgpu' | 'wasm' | 'cpu';
        readonly adapter: string;
      }
    | undefined;
}

/** A scorer that is known and not yet loaded. */
export interface ScorerSource {
  /** What the lists of a file depend on. */
  readonly prompt: Pick<PromptConfig, 'standing' | 'folding'>;
  /** @param grades - what the grades of the file mean */
  readonly open: (
    survey: Pick<FileSurvey, 'grades'>,
    grades: string | undefined,
    signal: AbortSignal,
  ) => Promise<Scorer>;
}

export async function findScorer(options: ScorerOptions): Promise<ScorerSource> {
  return options.rulesAlone === undefined ? findModel(options) : findRules(options, options.rulesAlone);
}

async function findModel(options: ScorerOptions): Promise<ScorerSource> {
  if (options.encoder !== undefined && options.proof !== undefined) {
    throw new LabError('bad-config', {
      message: 'A proof names the files of a model, and an encoder is none of them.',
      fix: 'Leave out --proof or --encoder.',
    });
  }
  const files = await readModelFiles(options.model);
  const read = readLabModel(files);
  return {
    prompt: read.prompt,
    open: async (survey, grades, signal) => {
      const { backend, device } = await openNodeBackend(options.backend);
      const { model: stored, sha256 } = await withEncoder(await toBackend(read, options.precision), options, signal);
      const model = onScale(stored, options.labels ?? labelsFor(stored, commonScaleOf(survey, grades)));
      note(`${model.card.name} on ${backend}: ${device}. Memory: ${describeMemory(model.transformer)}.`);
      const decoding = options.decoding ?? defaultDecoding(model.instruction);
      return {
        model,
        identity: {
          model: hashBytes(files.values()),
          ...(sha256 === undefined ? {} : { encoder: sha256 }),
          backend,
          decoding,
        },
        silence: whyNoReasons(stored, model),
        reasonsOf: (batch) => reasonsOf(model, batch, decoding),
        proven: sha256 === undefined ? { model, files, backend, adapter: device } : undefined,
      };
    },
  };
}

/** @param from - the file of an instruction, or true for the rules of the model */
async function findRules(options: ScorerOptions, from: true | string): Promise<ScorerSource> {
  const excluded = (['precision', 'labels', 'decoding', 'proof', 'encoder', 'keepVectors'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (excluded !== undefined) {
    throw new LabError('bad-config', {
      message: `--${excluded === 'keepVectors' ? 'keep-vectors' : excluded} is about a model.`,
      fix: 'Leave it out with --rules-alone.',
    });
  }
  const model = from === true ? await rulesOfModel(options.model) : await rulesOfFile(from);
  return {
    prompt: model.prompt,
    open: () => {
      note(`${model.instruction.rules.length} ${model.card.name}; no model is loaded.`);
      return Promise.resolve({
        model,
        identity: { model: hashBytes([new TextEncoder().encode(identityOf(model))]), backend: 'rules' },
        silence: undefined,
        reasonsOf: (batch) => Promise.resolve(batch.map(({ item }) => executedReason(model, item))),
        proven: undefined,
      });
    },
  };
}

async function rulesOfModel(folder: string): Promise<RulesModel> {
  const facts = readLabModel(await readModelFiles(folder));
  return rulesModel(facts, facts.card.name);
}

async function rulesOfFile(path: string): Promise<RulesModel> {
  const instruction = await readInstructionFile(path);
  const lexicon = await readLexicon(join(dirname(path), LEXICON_FILE));
  if (lexicon === undefined) {
    throw new LabError('not-found', {
      message: `There is no ${LEXICON_FILE} beside ${path}.`,
      expected: 'both files as "lab piar" writes them',
      fix: 'Keep them together.',
    });
  }
  const rules = { instruction, lexicon, tailRules: new Set<number>(), readsTitles: true };
  return rulesModel({ ...rules, scale: scaleOfSize(instruction.scaleSize) }, instruction.name);
}

function executedReason(model: RulesModel, { pair }: PairRow): Reason {
  const { trace } = answerByRules(model, pair);
  const name = (rule: number): string => model.instruction.rules[rule]?.id ?? `rule ${rule}`;
  return {
    reason: spokenTrace(model, trace).join(' '),
    reasoning: formatTrace(trace, name, model.scale).replaceAll('\n', ';'),
    stepsVerified: `${trace.steps.length} of ${trace.steps.length}`,
  };
}
