/**
 * The entry point of the page: mounts the lab on the scoring worker. `?backend=webgpu|wasm|cpu` selects a backend. The
 * built page stores an offline copy of itself.
 */
// The serif of the lessons, by Adobe, under the SIL Open Font License; fetched where it is used.
import '@fontsource/source-serif-4/latin-400.css';
import '@fontsource/source-serif-4/latin-600.css';
import * as v from 'valibot';
import { BACKEND_CHOICES } from './protocol/scoring.ts';
import './ui/lab-app.ts';
import { keepOfflineCopy } from './ui/offline-copy.ts';
import { openScoringWorker } from './ui/score/scoring-client.ts';
import './ui/theme.css';

const asked = v.safeParse(v.picklist(BACKEND_CHOICES), new URLSearchParams(location.search).get('backend'));
const app = document.querySelector('lab-app');
if (app !== null) {
  app.backend = asked.success ? asked.output : 'auto';
  app.openClient = openScoringWorker;
  // Fetched with the view that needs them.
  app.openFiles = async () => (await import('./ui/files/files-client.ts')).openFilesWorker();
  app.openTraining = async () => (await import('./ui/parts/training-client.ts')).openTrainingWorker();
  app.openGrpo = async () => (await import('./ui/parts/grpo-client.ts')).openGrpoWorker();
  app.openRuns = async () => (await import('./ui/runs/runs-client.ts')).openRunsWorker();
  app.openStore = async () => (await import('./ui/parts/checkpoint-client.ts')).openCheckpointWorker();
  // Only after the view has settled, so that the copy takes its files from the browser's cache instead of fetching
  // twice.
  const keep = (): void => void keepOfflineCopy((state) => (app.offline = state));
  if (import.meta.env.PROD) app.addEventListener('view-settled', keep, { once: true });
}
