/**
 * Every op on the backends that need no GPU. The same cases run on WebGPU in `test/gpu`.
 */
import { beforeAll, describe, it } from 'vitest';
import { useBackend } from '../../reference/backends.ts';
import { judgeLabels, LABEL_CASES } from '../../reference/judge-labels.ts';
import { judgeOp } from '../../reference/judge-op.ts';
import { EXTREME_CASES, LARGE_OP_CASES, OP_CASES } from '../../reference/op-cases.ts';
import { whole } from '../../setup/whole.ts';

describe.each(['cpu', 'wasm'] as const)('ops on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(OP_CASES)('$title', judgeOp);
  whole.each(LARGE_OP_CASES)('$title', judgeOp);
  it.each(EXTREME_CASES)('$title', judgeOp);
  it.each(LABEL_CASES)('$title', judgeLabels);
});
