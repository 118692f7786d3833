/** The worker that stores checkpoints: exposes the checkpoint service. */
import { expose } from 'comlink';
import { CheckpointService } from '../src/sessions/checkpoint-service.ts';

expose(new CheckpointService());
