/**
 * The entry point of the page: mounts the lab on the scoring worker. `?backend=webgpu|wasm|cpu` selects a backend. The
 * built page stores an offline copy of itself.
 */
// The grotesk of figures and controls, whose digits are equally wide, by Alfredo Marco Pradil, and the serif of the
// lessons, by Adobe; both under the SIL Open Font License, and fetched where they are used.
import '@fontsource/hanken-grotesk/latin-400.css';
import '@fontsource/hanken-grotesk/latin-600.css';
import '@fontsource/source-serif-4/latin-400.css';
import '@fontsource/source-serif-4/latin-600.css';
import * as v from 'valibot';
import { BACKEND_CHOICES } from './protocol/scoring.ts';
import './ui/lab-app.ts';
import { keepOfflineCopy } from './ui/offline-copy.ts';
import { openScoringWorker } from './ui/score/scoring-client.ts';
import './ui/theme.css';

const asked = v.safeParse(v.picklist(BACKEND_CHOICES), new URLSearchParams(location.search).get('backend'));
const app = isFramed() ? showFramed() : document.querySelector('lab-app');
if (app !== null) {
  app.backend = asked.success ? asked.output : 'auto';
  app.openClient = openScoringWorker;
  // Fetched with the view that needs them.
  app.openFiles = async () => (await import('./ui/files/thread/files-client.ts')).openFilesWorker();
  app.openTraining = async () => (await import('./ui/parts/sessions/training-client.ts')).openTrainingWorker();
  app.openGrpo = async () => (await import('./ui/parts/sessions/grpo-client.ts')).openGrpoWorker();
  app.openRuns = async () => (await import('./ui/runs/runs-client.ts')).openRunsWorker();
  app.openDevice = async () => (await import('./ui/device/device-client.ts')).openDeviceWorker();
  app.openStore = async () => (await import('./ui/parts/sessions/checkpoint-client.ts')).openCheckpointWorker();
  // Only after the view has settled, so that the copy takes its files from the browser's cache instead of fetching
  // twice.
  const keep = (): void => void keepOfflineCopy((state) => (app.offline = state));
  if (import.meta.env.PROD) app.addEventListener('view-settled', keep, { once: true });
}

/**
 * Another page could show this one in a frame, under something of its own, and have people click what they do not see.
 * `npm start` forbids that by a header, which static hosts may not send.
 */
function isFramed(): boolean {
  return window.top !== window;
}

/** Leaves nothing to click but the way out of the frame. */
function showFramed(): null {
  const link = document.createElement('a');
  Object.assign(link, { href: location.href, target: '_top', textContent: 'Open AFRL Lab by itself' });
  document.body.replaceChildren('AFRL Lab does not run inside another page. ', link, '.');
  return null;
}
