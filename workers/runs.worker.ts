/** The worker that lists, compares and exports runs, with the store of this origin. */
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { RunLibrary } from '../src/studies/run-library.ts';
import { serve } from './serve.ts';

serve(new RunLibrary(openCheckpointStore));
