/**
 * Parts of settings: numbers with both ends of their range, and metadata. Forms of the page, options and `--help` of
 * the command line are made from these (setting-fields.ts), so that a setting is described in one place.
 */
import * as v from 'valibot';

/** Metadata of a setting besides its label, help, range and default. */
export interface SettingMetadata {
  /** The unit of a number: "steps". */
  readonly unit?: string;
  /** The heading above it in forms; by default that of the enclosing group. */
  readonly group?: string;
  /** `basic` is always shown, `advanced` (the default) is one click away; `fixed` is set elsewhere and not offered. */
  readonly level?: SettingLevel;
  /** For a picklist: label and help of each choice. */
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
  metadata: SettingMetadata = {},
): v.OptionalSchema<Schema, Fallback> {
  const described = v.pipe(schema, v.title(label), v.description(help), v.metadata({ ...metadata }));
  // Metadata changes neither the input nor the output of a schema.
  return v.optional(described, fallback) as unknown as v.OptionalSchema<Schema, Fallback>;
}

/** The discriminator of one kind of a variant, with its label and help. */
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

/** Steps, updates, and intervals in steps. */
export const steps = wholeNumber(1, 10_000_000);
export const stepsOrNone = wholeNumber(0, 10_000_000);
/** Sequences, prompts or completions of one step; no step on one computer is larger. */
export const perStep = wholeNumber(1, 1_000_000);
/** Queries and pairs. */
export const pairs = wholeNumber(1, 10_000_000);
export const fraction = numberFrom(0, 1);
/** A weight in a loss. */
export const weight = numberFrom(0, 1000);
export const positiveWeight = numberAbove(0, 1000);
export const seed = wholeNumber(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const seedFromZero = wholeNumber(0, Number.MAX_SAFE_INTEGER);
