/**
 * What settings are made of: numbers with both ends of their range, and the words that belong to a setting. Forms of the page,
 * options and `--help` of the command line are made from these (setting-fields.ts), so a setting is described nowhere else.
 */
import * as v from 'valibot';

/** What is known of a setting beside its label, its help, its range and its default. */
export interface SettingWords {
  /** What a number counts: "steps". */
  readonly unit?: string;
  /** The heading that it belongs under; that of the group around it unless given. */
  readonly group?: string;
  /** `basic` is always in sight, `advanced` (the default) one click away; `fixed` is decided elsewhere and not offered. */
  readonly level?: SettingLevel;
  /** For a picklist: what each choice is called and means. */
  readonly choices?: Readonly<Record<string, readonly [label: string, help: string]>>;
}
export type SettingLevel = 'basic' | 'advanced' | 'fixed';

export type NumberSchema = v.GenericSchema<number>;
export type NumberSetting = v.OptionalSchema<NumberSchema, number>;

/** A setting with its default. @param help - what it does, in a sentence */
export function setting<Schema extends v.GenericSchema, const Fallback extends v.Default<Schema, undefined>>(
  schema: Schema,
  fallback: Fallback,
  label: string,
  help: string,
  words: SettingWords = {},
): v.OptionalSchema<Schema, Fallback> {
  const described = v.pipe(schema, v.title(label), v.description(help), v.metadata({ ...words }));
  // Words change neither what the schema takes nor what it gives.
  return v.optional(described, fallback) as unknown as v.OptionalSchema<Schema, Fallback>;
}

/** The name of a variant's option, with what that option is. */
export function kindOf<const Name extends string>(
  name: Name,
  label: string,
  help: string,
): v.LiteralSchema<Name, undefined> {
  return v.pipe(v.literal(name), v.title(label), v.description(help));
}

/** A whole number, both ends included. */
export const wholeNumber = (least: number, most: number): NumberSchema =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
/** A number, both ends included. */
export const numberFrom = (least: number, most: number): NumberSchema =>
  v.pipe(v.number(), v.minValue(least), v.maxValue(most));
/** A number above `least`. */
export const numberAbove = (least: number, most: number): NumberSchema =>
  v.pipe(v.number(), v.gtValue(least), v.maxValue(most));

/** Steps, updates and what is counted in them. */
export const steps = wholeNumber(1, 10_000_000);
export const stepsOrNone = wholeNumber(0, 10_000_000);
/** Sequences, prompts, completions of one step: no step of a browser or of one computer is larger. */
export const perStep = wholeNumber(1, 1_000_000);
/** Queries and pairs. */
export const pairs = wholeNumber(1, 10_000_000);
export const fraction = numberFrom(0, 1);
/** A weight in a loss. */
export const weight = numberFrom(0, 1000);
export const positiveWeight = numberAbove(0, 1000);
export const seed = wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const seedFromZero = wholeNumber(0, Number.MAX_SAFE_INTEGER);
