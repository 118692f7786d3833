/**
 * Mounts the page on scripted threads: `?scene=` selects one of SCENES, `?run=` one of RUN_SCENES, `?grpo=` one of
 * GRPO_SCENES and `?store=` one of STORE_SCENES. Served by `npm run dev` under /test/harness/.
 */
import '../../src/ui/lab-app.ts';
import '../../src/ui/theme.css';
import { openScriptedClient, SCENES } from './scripted-client.ts';
import { GRPO_SCENES, openScriptedGrpo } from './scripted-grpo.ts';
import { openScriptedStore, STORE_SCENES } from './scripted-store.ts';
import { openScriptedTraining, RUN_SCENES } from './scripted-training.ts';

const params = new URLSearchParams(location.search);
const scene = SCENES.find((name) => name === params.get('scene')) ?? 'mixed';
const run = RUN_SCENES.find((name) => name === params.get('run')) ?? 'running';
const grpo = GRPO_SCENES.find((name) => name === params.get('grpo')) ?? 'learning';
const store = STORE_SCENES.find((name) => name === params.get('store')) ?? 'kept';
const app = document.querySelector('lab-app');
if (app !== null) {
  app.openClient = () => openScriptedClient(scene);
  app.openTraining = () => Promise.resolve(openScriptedTraining(run));
  app.openGrpo = () => Promise.resolve(openScriptedGrpo(grpo));
  app.openStore = () => Promise.resolve(openScriptedStore(store));
}
