/** The worker that lists, compares and exports runs, with the store of this origin. */
import { expose } from 'comlink';
import { openCheckpointStore } from '../src/checkpoint/store.ts';
import { RunLibrary } from '../src/studies/run-library.ts';

expose(new RunLibrary(openCheckpointStore));
