/** Mounts the page on a scripted model; `?scene=` picks one of SCENES. Served by `npm run dev` under /test/harness/. */
import '../../src/ui/lab-app.ts';
import '../../src/ui/theme.css';
import { openScriptedClient, SCENES } from './scripted-client.ts';

const asked = new URLSearchParams(location.search).get('scene');
const scene = SCENES.find((name) => name === asked) ?? 'mixed';
const app = document.querySelector('lab-app');
if (app !== null) app.openClient = () => openScriptedClient(scene);
