/**
 * The model card: the origin of a model, the command that reproduces it, and its measures.
 */
import * as v from 'valibot';
import { KeptQueriesSchema } from '../data/trained-queries.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A measured value, with its interval if one was computed. */
const MeasureSchema = v.strictObject({
  name: v.string(),
  value: v.nullable(v.number()),
  low: v.optional(v.number()),
  high: v.optional(v.number()),
});

/** The schema of `card.json`. */
export const ModelCardSchema = v.strictObject({
  schemaVersion: v.literal(1),
  name: v.string(),
  description: v.string(),
  parameters: count,
  /** How the weights are stored. */
  dtype: v.string(),
  data: v.strictObject({
    name: v.string(),
    /** The version hash of the rule world, or the SHA-256 of an imported data set; empty for other data. */
    hash: v.string(),
    trainPairs: count,
    /** How the queries of an imported data set were split, so that its held-out part can be found again. */
    split: v.optional(v.strictObject({ devShare: v.number(), testShare: v.number(), seed: count })),
    /** The queries of files that it was trained on; cards of older models do not say. */
    queries: v.optional(KeptQueriesSchema),
    /** The meanings of its grades (protocol/grade-meanings.ts). */
    grades: v.optional(v.string()),
    /** What was repeated beside it, as settings have it (protocol/sft-experiment.ts), for a model that continues another. */
    replayed: v.optional(v.unknown()),
  }),
  training: v.strictObject({
    /** The command that reproduces the model. */
    command: v.string(),
    seed: v.number(),
    steps: count,
    /** Input tokens of training, without padding. */
    tokens: count,
    /** The backend and the device it ran on. */
    device: v.string(),
    date: v.string(),
  }),
  /** The SHA-256 of the weights of a model that the lab did not train. */
  imported: v.optional(v.strictObject({ sha256: v.string() })),
  /** The teacher of a student. */
  distillation: v.optional(v.strictObject({ teacher: v.string(), teacherHash: v.string(), method: v.string() })),
  /** How far a quantised copy agrees with its original, on held-out pairs; shifts of the score s are in labels. */
  quantisation: v.optional(
    v.strictObject({
      from: v.string(),
      pairs: count,
      sameLabel: v.strictObject({
        value: v.nullable(v.number()),
        low: v.optional(v.number()),
        high: v.optional(v.number()),
      }),
      meanScoreShift: v.number(),
      maxScoreShift: v.number(),
    }),
  ),
  evaluation: v.nullable(
    v.strictObject({
      /** The command that measured. */
      command: v.string(),
      split: v.string(),
      pairs: count,
      queries: count,
      /** Pairs whose completion was generated. */
      completions: count,
      measures: v.array(MeasureSchema),
    }),
  ),
  /** Losses and held-out label accuracy during training. */
  curve: v.array(
    v.strictObject({
      step: count,
      tokens: count,
      lossNats: v.number(),
      devAccuracy: v.optional(v.number()),
      devLossNats: v.optional(v.number()),
    }),
  ),
  limits: v.array(v.string()),
  /** Owner and licence of the training data; none for generated data. */
  terms: v.optional(v.array(v.string())),
});

export type ModelCard = v.InferOutput<typeof ModelCardSchema>;
export type Measure = v.InferOutput<typeof MeasureSchema>;

/** A row of a card in the page; `code` is shown in a monospaced font. */
interface CardRow {
  readonly name: string;
  readonly value: string;
  readonly code: boolean;
}

/** Limits of what the page shows of a card. */
const MOST_ROWS = 200;
const MOST_CHARACTERS = 2000;

/** The rows of a card, the most informative first, up to a limit. */
export function cardRows(card: ModelCard): CardRow[] {
  const rows = allRows(card);
  const shown = rows.slice(0, MOST_ROWS).map((row) => ({ ...row, name: brief(row.name), value: brief(row.value) }));
  const left = rows.length - shown.length;
  return left === 0 ? shown : [...shown, { name: 'And', value: `${left} more rows in card.json`, code: false }];
}

function brief(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}\u2026`;
}

function allRows(card: ModelCard): CardRow[] {
  const row = (name: string, value: string, code = false): CardRow => ({ name, value, code });
  const rows = [
    row('Model', card.name),
    row('Description', card.description),
    row('Parameters', `${card.parameters.toLocaleString('en')} (stored as ${card.dtype})`),
    row('Data', `${card.data.name}, ${card.data.trainPairs.toLocaleString('en')} training pairs`),
    ...(card.data.hash === ''
      ? []
      : [row(card.data.split === undefined ? 'World hash' : 'Data hash', card.data.hash, true)]),
    row(
      'Training',
      `${card.training.steps.toLocaleString('en')} steps, ${card.training.tokens.toLocaleString('en')} tokens, ` +
        `seed ${card.training.seed}, on ${card.training.device}, ${card.training.date}`,
    ),
    row('Made by', card.training.command, true),
  ];
  const { distillation, evaluation, quantisation } = card;
  if (quantisation !== undefined) {
    const { from, pairs, sameLabel, meanScoreShift, maxScoreShift } = quantisation;
    const share = sameLabel.value === null ? 'nothing to measure' : `${(100 * sameLabel.value).toFixed(1)} %`;
    rows.push(
      row(
        'Quantised copy',
        `of ${from}: the same label on ${share} of ${pairs.toLocaleString('en')} held-out pairs, score moved by ` +
          `${meanScoreShift.toFixed(4)} of a label on average, ${maxScoreShift.toFixed(3)} at most`,
      ),
    );
  }
  if (distillation !== undefined) {
    const { teacher, teacherHash, method } = distillation;
    rows.push(row('Teacher', `${teacher}, weights ${teacherHash}: ${method}`));
  }
  if (evaluation !== null) {
    rows.push(row('Measured on', `${evaluation.pairs.toLocaleString('en')} pairs of the ${evaluation.split} split`));
    rows.push(row('Measured by', evaluation.command, true));
    for (const { name, value, low, high } of evaluation.measures) {
      const interval =
        low === undefined || high === undefined ? '' : ` (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`;
      rows.push(row(name, value === null ? 'nothing to measure' : `${value.toFixed(3)}${interval}`));
    }
  }
  return [
    ...rows,
    ...card.limits.map((limit) => row('Limit', limit)),
    ...(card.terms ?? []).map((terms) => row('Terms', terms)),
  ];
}
