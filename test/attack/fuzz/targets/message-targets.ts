/** What crosses threads, the browser's database and the local server: everything that has a schema. */
import type * as v from 'valibot';
import { ManifestSchema, readManifest } from '../../../../src/checkpoint/manifest.ts';
import { OpenRunSchema } from '../../../../src/checkpoint/open-runs.ts';
import { RERANK_SCHEMAS, ScoreRequestSchema } from '../../../../src/cli/models/rerank-request.ts';
import { parseConfig } from '../../../../src/config/parse.ts';
import { LabFileSchema } from '../../../../src/infer/lab-model.ts';
import { ModelCardSchema } from '../../../../src/infer/model-card.ts';
import * as checkpoints from '../../../../src/protocol/checkpoints.ts';
import * as results from '../../../../src/protocol/experiment-results.ts';
import * as files from '../../../../src/protocol/files.ts';
import * as grpo from '../../../../src/protocol/grpo.ts';
import * as imported from '../../../../src/protocol/imported-data.ts';
import * as answers from '../../../../src/protocol/policy-answers.ts';
import * as runs from '../../../../src/protocol/runs.ts';
import * as scoring from '../../../../src/protocol/scoring.ts';
import * as tracked from '../../../../src/protocol/tracked-run.ts';
import * as training from '../../../../src/protocol/training.ts';
import { someOf } from '../from-schema.ts';
import { mutateJson, someJson } from '../mutations.ts';
import { expectJsonRoundTrip, expectSame, type Target, target, Wrong } from '../target.ts';

function schemasOf(prefix: string, module: object): [string, v.GenericSchema][] {
  const found = Object.entries(module).filter(([name]) => name.endsWith('Schema'));
  return found.map(([name, schema]) => [`${prefix}.${name}`, schema as v.GenericSchema]);
}

const SCHEMAS = new Map<string, v.GenericSchema>([
  ...schemasOf('checkpoints', checkpoints),
  ...schemasOf('results', results),
  ...schemasOf('files', files),
  ...schemasOf('grpo', grpo),
  ...schemasOf('imported', imported),
  ...schemasOf('answers', answers),
  ...schemasOf('runs', runs),
  ...schemasOf('scoring', scoring),
  ...schemasOf('tracked', tracked),
  ...schemasOf('training', training),
  ['OpenRunSchema', OpenRunSchema],
  ['ModelCardSchema', ModelCardSchema],
  ['LabFileSchema', LabFileSchema],
]);
const NAMES = [...SCHEMAS.keys()];

/**
 * Messages are copied between threads, so they need not survive JSON: they may hold bytes, and NaN of a diverged run.
 */
const messages = target(
  'messages',
  (rng) => {
    const name = rng.pick(NAMES);
    const value = someOf(SCHEMAS.get(name), rng);
    return { name, value: rng.chance(0.5) ? mutateJson(value, rng) : value };
  },
  ({ name, value }) => {
    const schema = SCHEMAS.get(name);
    if (schema === undefined) throw new Wrong(`no schema ${name}`);
    const read = parseConfig(name, schema, value);
    expectSame(`${name}, parsed twice`, parseConfig(name, schema, structuredClone(read)), read);
  },
);

const manifests = target(
  'records of checkpoints',
  (rng) => mutateJson(someOf(ManifestSchema, rng), rng),
  (value) => {
    const read = readManifest(value);
    if (typeof read !== 'string') expectJsonRoundTrip('a manifest', read, readManifest);
  },
);

const requests = target(
  'requests to lab serve',
  (rng) => {
    const name = rng.pick(['documents', 'texts', 'pairs'] as const);
    const query = rng.pick(['kettle', ' ', '']);
    const document = rng.pick<unknown>([
      'red kettle',
      { title: 'a', attributes: { __proto__: 'x', colour: ['red'] } },
      someJson(rng),
    ]);
    const value = name === 'pairs' ? { pairs: [{ query, document }] } : { query, [name]: [document, 'hose'], top_n: 1 };
    return { name, value: mutateJson(value, rng) };
  },
  ({ name, value }) => {
    const schema = name === 'pairs' ? ScoreRequestSchema : RERANK_SCHEMAS[name];
    const read = parseConfig('The request', schema as v.GenericSchema, value);
    if (name === 'pairs') return;
    for (const document of Object.values(read as Record<string, unknown>).find(Array.isArray) as {
      title: string;
      text: string;
    }[]) {
      if (document.title.trim() + document.text.trim() === '') throw new Wrong('a document without words was accepted');
    }
  },
);

export const MESSAGE_TARGETS: readonly Target[] = [messages, manifests, requests];
