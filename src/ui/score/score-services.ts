/** What the page provides to all elements of the Score view, at any depth. */
import { createContext } from '@lit/context';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import type { ScoringClient } from './scoring-client.ts';

export interface ScoreServices {
  /** Starts the worker that a model is loaded into. */
  readonly openClient: (() => ScoringClient) | undefined;
  /** Opens the worker that stores checkpoints; undefined where the page has none. */
  readonly openStore: (() => Promise<CheckpointClient>) | undefined;
  /** The backend that models are to use. */
  readonly backend: BackendChoice;
}

export const NO_SERVICES: ScoreServices = { openClient: undefined, openStore: undefined, backend: 'auto' };

export const scoreServices = createContext<ScoreServices>('score-services');
