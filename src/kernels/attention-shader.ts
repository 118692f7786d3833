/**
 * The common parts of the attention shaders: bindings, and the numbering of heads and tokens. Variants differ in how
 * they traverse rows (attention-blocks.ts, attention-lanes.ts), but all add in the same order, so that on one device
 * they give the same bits and can be exchanged during a run.
 */

/** The passes: forward; backward over the keys of a query, and backward over the queries of a key. */
export type Pass = 'forward' | 'queries' | 'keys';

/** The parameters of a pass's source in addition to its variant. */
export interface PassForm {
  /** Whether rows are packed, so that queries see two ranges of keys. */
  readonly isPacked: boolean;
}

/** One implementation of the passes. */
export interface PassVariant {
  readonly name: string;
  readonly workgroupSize: readonly [x: number, y: number];
  /** Work items for a number of heads over all sequences, and T positions. */
  readonly size: (heads: number, T: number) => readonly [x: number, y: number];
  readonly source: (pass: Pass, form: PassForm) => string;
}

/** The tensors of a pass in the order of its bindings. */
const BINDINGS: Readonly<Record<Pass, { readonly inputs: readonly string[]; readonly outputs: readonly string[] }>> = {
  forward: { inputs: ['q', 'k', 'v'], outputs: ['y', 'stats'] },
  queries: { inputs: ['q', 'k', 'v', 'dY', 'y'], outputs: ['stats', 'dQ'] },
  keys: { inputs: ['q', 'k', 'v', 'dY', 'stats'], outputs: ['dK', 'dV'] },
};

const ELEMENTS: Readonly<Record<string, string>> = { stats: 'vec2f', spans: 'vec2u' };

/** The arithmetic of all passes, with a fixed order of additions. */
const ARITHMETIC = `
fn inner(sum: f32, a: vec4f, b: vec4f) -> f32 { return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum)))); }
fn inners(sum: vec4f, a: vec4f, b: mat4x4f) -> vec4f {
  return vec4f(inner(sum.x, a, b[0]), inner(sum.y, a, b[1]), inner(sum.z, a, b[2]), inner(sum.w, a, b[3]));
}
fn weighted(sum: vec4f, rows: mat4x4f, by: vec4f) -> vec4f {
  let first = fma(rows[1], vec4f(by.y), fma(rows[0], vec4f(by.x), sum));
  return fma(rows[3], vec4f(by.w), fma(rows[2], vec4f(by.z), first));
}
fn sumOf(x: vec4f) -> f32 { return (x.x + x.y) + (x.z + x.w); }
fn largestOf(x: vec4f) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }`;

/** The complete shader of a pass. */
export function passShader(
  pass: Pass,
  { isPacked }: PassForm,
  {
    enables = [],
    diagnostics = [],
    declarations = '',
    parameters,
    workgroupSize,
    body,
  }: {
    /** WGSL features. */
    readonly enables?: readonly string[];
    /** WGSL diagnostics to be disabled. */
    readonly diagnostics?: readonly string[];
    readonly declarations?: string;
    /** Parameters of the entry point. */
    readonly parameters: string;
    readonly workgroupSize: readonly [x: number, y: number];
    readonly body: string;
  },
): string {
  const inputs = [...BINDINGS[pass].inputs, ...(isPacked ? ['spans'] : [])];
  const names = [...inputs, ...BINDINGS[pass].outputs];
  const declared = names.map((name, i) => {
    const access = inputs.includes(name) ? 'read' : 'read_write';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${ELEMENTS[name] ?? 'vec4f'}>;`;
  });
  return `${enables.map((feature) => `enable ${feature};`).join('\n')}
${diagnostics.map((rule) => `diagnostic(off, ${rule});`).join('\n')}
${declared.join('\n')}
struct Sizes { B: u32, T: u32, H: u32, K: u32, vectors: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;
${declarations}

const HIDDEN = -1e30; // the score of a key that a query does not see: finite, so that no difference is NaN

// The index of a token's head among all heads of all tokens. A token past the end repeats the last one.
fn queryRow(b: u32, t: u32, h: u32) -> u32 { return (b * sizes.T + min(t, sizes.T - 1u)) * sizes.H + h; }
fn keyRow(b: u32, s: u32, h: u32) -> u32 { return (b * sizes.T + min(s, sizes.T - 1u)) * sizes.K + h; }
fn tokenRow(b: u32, t: u32) -> u32 { return b * sizes.T + min(t, sizes.T - 1u); }
${ARITHMETIC}

@compute @workgroup_size(${workgroupSize.join(', ')})
fn main(${parameters}) {
  let vectors = sizes.vectors;
  let scale = 1.0 / sqrt(f32(4u * vectors));
  ${body}
}`;
}

/** Four vectors as the columns of a matrix, whose product with weights is their weighted sum. */
export function side(value: (i: 0 | 1 | 2 | 3) => string): string {
  return `mat4x4f(${FOUR.map(value).join(', ')})`;
}

const FOUR = [0, 1, 2, 3] as const;

/** Four unrolled lines of shader text, because indexing is expensive to compile and run on software adapters. */
export function four(line: (i: 0 | 1 | 2 | 3) => string): string {
  return FOUR.map(line).join('\n');
}

/**
 * Writes the rows of a lane's own block at vector d; rows past the end are not written.
 *
 * @param value - the new value of row i, given its present one
 */
export function ownRows(into: string, row: string, value: (i: number, held: string) => string): string {
  return four((i) => {
    const place = `${into}[${row}${i} * vectors + d]`;
    return `if (count > ${i}u) { ${place} = ${value(i, place)}; }`;
  });
}

/** The key-value head and the row numbers of a block of queries from `t` of a head. */
export const QUERY_ROWS = `let g = head / (sizes.H / sizes.K);
  ${four((i) => `let row${i} = queryRow(b, t + ${i}u, head);`)}`;

/**
 * The mask of the four `keys` that a query sees.
 *
 * @param span - for packed rows, the spans of query `t + i`
 */
export function seenKeys(isPacked: boolean, span: string, i: number): string {
  return isPacked
    ? `(keys < vec4u(${span}.x)) | ((keys >= vec4u(${span}.y)) & (keys <= vec4u(t + ${i}u)))`
    : `keys <= vec4u(t + ${i}u)`;
}
