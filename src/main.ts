/**
 * The entrance of the page: mounts the lab on the scoring worker. `?backend=webgpu|wasm|cpu` asks for one backend.
 * The built page keeps an offline copy of itself.
 */
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
  app.openTraining = async () => (await import('./ui/parts/training-client.ts')).openTrainingWorker();
  app.openGrpo = async () => (await import('./ui/collapse/grpo-client.ts')).openGrpoWorker();
  app.openStore = async () => (await import('./ui/parts/checkpoint-client.ts')).openCheckpointWorker();
  // Only then: what the view has fetched is copied out of the browser's own cache, and is not fetched twice.
  const keep = (): void => void keepOfflineCopy((state) => (app.offline = state));
  if (import.meta.env.PROD) app.addEventListener('view-settled', keep, { once: true });
}
