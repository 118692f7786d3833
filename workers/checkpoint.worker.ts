/** The worker that stores checkpoints: exposes the checkpoint service. */
import { CheckpointService } from '../src/sessions/checkpoint-service.ts';
import { serve } from './serve.ts';

serve(new CheckpointService());
