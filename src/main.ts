/**
 * The entrance of the page: mounts the lab on the scoring worker. `?backend=webgpu|wasm|cpu` asks for one backend.
 */
import * as v from 'valibot';
import { BACKEND_CHOICES } from './protocol/scoring.ts';
import './ui/lab-app.ts';
import { openScoringWorker } from './ui/scoring-client.ts';
import './ui/theme.css';

const asked = v.safeParse(v.picklist(BACKEND_CHOICES), new URLSearchParams(location.search).get('backend'));
const app = document.querySelector('lab-app');
if (app !== null) {
  app.backend = asked.success ? asked.output : 'auto';
  app.openClient = openScoringWorker;
}
