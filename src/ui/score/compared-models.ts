/**
 * The models that a pair can be compared on: bundled models by their id, checkpoints of this browser as `checkpoint:`
 * and their id. Addresses use the same keys, so that a comparison can be linked to.
 */
import type { Checkpoint } from '../../protocol/checkpoints.ts';
import type { LabelEvent } from '../../protocol/scoring.ts';
import { BUNDLED_MODELS } from './bundled-models.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import type { ModelOrigin } from './model-controller.ts';

const CHECKPOINT_PREFIX = 'checkpoint:';

/** A model to compare with. */
export interface ComparedModel {
  readonly key: string;
  readonly name: string;
}

/** All models for comparison, bundled ones first. */
export function comparableModels(checkpoints: readonly Checkpoint[]): ComparedModel[] {
  return [
    ...BUNDLED_MODELS.map(({ id, name }) => ({ key: id, name })),
    ...checkpoints.map(({ id, name }) => ({ key: `${CHECKPOINT_PREFIX}${id}`, name })),
  ];
}

/**
 * The origin of a model; undefined if no model has that key. A missing checkpoint is discovered only when it is loaded.
 *
 * @param baseUrl - of the page
 */
export function originOf(
  key: string,
  baseUrl: string,
  openStore: () => Promise<CheckpointClient>,
): ModelOrigin | undefined {
  if (key.startsWith(CHECKPOINT_PREFIX)) {
    return { kind: 'checkpoint', id: key.slice(CHECKPOINT_PREFIX.length), openStore };
  }
  const bundled = BUNDLED_MODELS.find(({ id }) => id === key);
  return bundled === undefined ? undefined : { kind: 'folder', url: new URL(bundled.folder, baseUrl).href };
}

/**
 * Compares two answers to one pair, in one sentence.
 *
 * @param names - the labels of the answer's model and of the leading model, worst first
 */
export function describeAgreement(
  answer: LabelEvent,
  against: LabelEvent,
  names: readonly string[],
  namesAgainst: readonly string[],
): string {
  if (names.length !== namesAgainst.length) {
    return `Another scale: ${names.length} labels instead of ${namesAgainst.length}. The answers cannot be compared.`;
  }
  const difference = answer.score - against.score;
  const amount = Math.abs(difference).toFixed(2);
  const score =
    amount === '0.00' ? 'The scores are the same.' : `Its score is ${amount} ${difference > 0 ? 'higher' : 'lower'}.`;
  if (answer.label === against.label) return `The same label. ${score}`;
  const name = (label: number, of: readonly string[]): string => of[label] ?? `label ${label}`;
  return `Another label: ${name(answer.label, names)} instead of ${name(against.label, namesAgainst)}. ${score}`;
}
