/** What the elements of the scoring view need of the page, however deep they are. */
import { createContext } from '@lit/context';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/checkpoint-client.ts';
import type { ScoringClient } from './scoring-client.ts';

export interface ScoreServices {
  /** Starts the thread that a model is loaded into. */
  readonly openClient: (() => ScoringClient) | undefined;
  /** Gives the thread that keeps checkpoints; undefined where the page has none. */
  readonly openStore: (() => Promise<CheckpointClient>) | undefined;
  /** What models are to run on. */
  readonly backend: BackendChoice;
}

export const NO_SERVICES: ScoreServices = { openClient: undefined, openStore: undefined, backend: 'auto' };

export const scoreServices = createContext<ScoreServices>('score-services');
