/** All layouts that are recognised by their contents. */
import { ANNOTATIONS } from './annotations.ts';
import { BY_IDS } from './by-ids.ts';
import { CATALOGUES } from './catalogues.ts';
import { JSON_JUDGMENTS } from './json-judgments.ts';
import type { Layout } from './layout.ts';
import { PASSAGES } from './passages.ts';

export const LAYOUTS: readonly Layout[] = [...BY_IDS, ...PASSAGES, ...CATALOGUES, ...JSON_JUDGMENTS, ...ANNOTATIONS];
