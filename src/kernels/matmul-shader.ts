/**
 * The common parts of the matrix product shaders: how operands are read, and how a sum is processed before it is
 * written. Variants differ in how they compute the sums (matmul-blocks.ts and the other files), but all add along the
 * inner axis in order, one `fma` at a time, so that on one device they give the same bits and can be exchanged during a
 * run.
 */

/** Which operands are transposed. No op needs both at once. */
export type Arrangement = 'nn' | 'nt' | 'tn';

/** The rows and columns of the result, and the length of the inner axis. */
export interface ProductSizes {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The parameters of a shader's source. */
export interface ProductForm {
  readonly arrangement: Arrangement;
  /** Which operands are halves, two per word. */
  readonly isHalf: Readonly<Record<'a' | 'b', boolean>>;
  /** Whether rows start at a multiple of four numbers, so that four can be read or written at a time. */
  readonly isAligned: Readonly<Record<'a' | 'b' | 'product', boolean>>;
  readonly hasBias: boolean;
  readonly hasResidual: boolean;
  /**
   * Whether the product is one factor of a SwiGLU with the other given; then the product and the gated result are
   * written.
   */
  readonly hasGate: boolean;
}

/** The number of consecutive elements of a row that are read or written at a time. */
export type Step = 1 | 4;

/** One implementation of products. */
export interface MatmulVariant {
  readonly name: string;
  /** Rows and columns of the result per workgroup. */
  readonly tile: readonly [rows: number, columns: number];
  readonly steps: Readonly<Record<'a' | 'b' | 'product', Step>>;
  /** Whether a transposed B is transposed back first, so that the shader computes A B. */
  readonly transposesB?: boolean;
  /** WGSL features to enable. */
  readonly enables?: readonly string[];
  /** Module-level declarations in addition to those of {@link shaderOf}. */
  readonly declarations?: string;
  /** The entry point, from its attributes to its closing brace. */
  readonly main: () => string;
}

const AXES = ['x', 'y', 'z', 'w'] as const;

/** The i-th of numbers stored in vectors of four: `name0.x` to `name0.w`, `name1.x` and so on. */
export function component(name: string, i: number): string {
  return `${name}${i >> 2}.${AXES[i % 4] ?? ''}`;
}

/** n pieces of shader text. */
export function joined(n: number, piece: (i: number) => string, separator = ', '): string {
  return Array.from({ length: n }, (_, i) => piece(i)).join(separator);
}

/** n lines of shader text. */
export function lines(n: number, line: (i: number) => string): string {
  return joined(n, line, '\n');
}

/** The names of a shader's tensors in the order of its bindings. */
export function bindingNames({ hasBias, hasResidual, hasGate }: ProductForm): string[] {
  const extras = { bias: hasBias, residual: hasResidual, gate: hasGate, product: true, gated: hasGate };
  return ['a', 'b', ...Object.entries(extras).flatMap(([name, isUsed]) => (isUsed ? [name] : []))];
}

/**
 * The complete shader of a variant. Its entry point can use
 * - `sizes.M`, `sizes.N`, `sizes.K`,
 * - `load_a(row, column)` and `load_b`: a number or, with a step of four, a vector of consecutive elements of a stored
 *   row, with zeros past the end of the row,
 * - `store(row, column, sum)`: writes a number or a vector of consecutive elements, except outside of the result.
 */
export function shaderOf(form: ProductForm, { enables = [], steps, declarations = '', main }: MatmulVariant): string {
  const names = bindingNames(form);
  const isWide = steps.product === 4 && form.isAligned.product;
  const declared = names.map((name, i) => {
    const access = name === 'product' || name === 'gated' ? 'read_write' : 'read';
    const isOperand = name === 'a' || name === 'b';
    const element = isOperand ? storedAs(form, name, steps[name]) : isWide ? 'vec4f' : 'f32';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${element}>;`;
  });
  return `${enables.map((feature) => `enable ${feature};`).join('\n')}
${declared.join('\n')}
struct Sizes { M: u32, N: u32, K: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;

${loader(form, 'a', form.arrangement === 'tn' ? 'M' : 'K', steps.a)}
${loader(form, 'b', form.arrangement === 'nt' ? 'K' : 'N', steps.b)}
${writer(form, steps.product, isWide)}
${declarations}
${main()}`;
}

function storedAs({ isHalf, isAligned }: ProductForm, name: 'a' | 'b', step: Step): string {
  if (isHalf[name]) return step === 4 ? 'vec2u' : 'u32';
  return step === 4 && isAligned[name] ? 'vec4f' : 'f32';
}

function loader({ isHalf, isAligned }: ProductForm, name: 'a' | 'b', width: keyof ProductSizes, step: Step): string {
  const head = `fn load_${name}(row: u32, column: u32) -> ${step === 4 ? 'vec4f' : 'f32'}`;
  const place = `row * sizes.${width} + column`;
  if (step === 1) {
    return isHalf[name]
      ? `${head} { let place = ${place}; return unpack2x16float(${name}[place / 2u])[place % 2u]; }`
      : `${head} { return ${name}[${place}]; }`;
  }
  if (isHalf[name]) {
    return `${head} {
  let words = ${name}[(${place}) / 4u];
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}`;
  }
  if (isAligned[name]) return `${head} { return ${name}[(${place}) / 4u]; }`;
  return `${head} {
  let start = ${place};
  let room = max(sizes.${width}, column) - column;
  var four = vec4f();
  ${lines(4, (i) => `if (room > ${i}u) { four.${AXES[i] ?? ''} = ${name}[start + ${i}u]; }`)}
  return four;
}`;
}

function writer(form: ProductForm, step: Step, isWide: boolean): string {
  const element = isWide ? 'vec4f' : 'f32';
  const { hasBias, hasResidual, hasGate } = form;
  // exp(-z) may overflow to infinity, which would give the right sigmoid 0; but WGSL leaves infinities undefined, hence
  // the bound.
  const gated = `gated[place] = gate[place] / (1.0 + exp(min(-gate[place], ${element}(80.0)))) * value;`;
  const unit = isWide ? 4 : 1;
  const finish = `fn finish(row: u32, column: u32, sum: ${element}) {
  let place = (row * sizes.N + column) / ${unit}u;
  let value = sum${hasBias ? ` + bias[column / ${unit}u]` : ''}${hasResidual ? ' + residual[place]' : ''};
  product[place] = value;
  ${hasGate ? gated : ''}
}`;
  const inside = `if (row >= sizes.M || column >= sizes.N) { return; }`;
  if (isWide || step === 1) {
    return `${finish}
fn store(row: u32, column: u32, sum: ${element}) {
  ${inside}
  finish(row, column, sum);
}`;
  }
  return `${finish}
fn store(row: u32, column: u32, sum: vec4f) {
  ${inside}
  for (var j = 0u; j < min(4u, sizes.N - column); j++) { finish(row, column + j, sum[j]); }
}`;
}
