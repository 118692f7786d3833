/**
 * Seeded random numbers. All randomness in the lab comes from here, so that a seed reproduces a run exactly and a
 * checkpoint can store the state of every stream (one unsigned 32-bit integer each).
 */

/** A stream of pseudo-random numbers whose whole state is one 32-bit integer. */
export class Rng {
  #state: number;

  /** @param seed - any number or text; equal seeds give equal streams. */
  constructor(seed: number | string) {
    this.#state = typeof seed === 'number' ? mix32(seed >>> 0) : hash32(seed);
  }

  /** Restores a stream from its {@link state}. */
  static fromState(state: number): Rng {
    const rng = new Rng(0);
    rng.#state = state >>> 0;
    return rng;
  }

  /** The whole state, for checkpoints. */
  get state(): number {
    return this.#state;
  }

  /** An independent stream named by `label`; this stream does not advance. */
  fork(label: string): Rng {
    return new Rng(`${this.#state}/${label}`);
  }

  /** A whole number in [0, 2^32). Weyl sequence through a 32-bit finaliser (splitmix32). */
  uint32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix32(this.#state);
  }

  /** A number in [0, 1). */
  next(): number {
    return this.uint32() / 4294967296;
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** One item, each equally likely. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(items.length)];
    if (item === undefined) throw new RangeError('Rng.pick: the list is empty');
    return item;
  }

  /** The index of one weight, with probability proportional to the weight. */
  weighted(weights: readonly number[]): number {
    let remaining = this.next() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [index, weight] of weights.entries()) {
      remaining -= weight;
      if (remaining < 0) return index;
    }
    return weights.length - 1;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const swapped = out[i];
      out[i] = out[j] as T;
      out[j] = swapped as T;
    }
    return out;
  }

  /**
   * A sample of the standard normal distribution (Box-Muller; the second value is discarded to keep the state one
   * integer).
   */
  normal(): number {
    const u = 1 - this.next();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.next());
  }
}

/** FNV-1a over UTF-16 code units, finalised; stable across platforms. Used for seeds, version hashes and tie-breaks. */
export function hash32(text: string): number {
  return mix32(fnv1a(text));
}

/**
 * FNV-1a before finalisation, from which longer texts can be hashed incrementally (as kernels/sample-token.ts does).
 */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/**
 * A short key of a list of texts. It has 106 bits, because a chance collision would mix up two documents of a file.
 *
 * @param texts - each is read once, because together they may be a whole file
 */
export function textKey(...texts: readonly string[]): string {
  let [a, b, c, d] = [0x811c9dc5, 0x41c6ce57, 0xdeadbeef, 0x2545f491];
  const add = (unit: number): void => {
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x9e3779b1);
    c = Math.imul(c ^ unit, 0x85ebca6b);
    d = Math.imul(d ^ unit, 0xc2b2ae35);
  };
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) add(text.charCodeAt(i));
    add(text.length + 0x10000); // tells ["ab", "c"] from ["a", "bc"]
  }
  return `${in53(a, b).toString(36)}-${in53(c, d).toString(36)}`;
}

/** A whole number of 53 bits. */
function in53(low: number, high: number): number {
  return (mix32(high ^ low) & 0x1fffff) * 2 ** 32 + mix32(low);
}

/** An 8-digit hexadecimal hash of a text. */
export function hashHex(text: string): string {
  return hash32(text).toString(16).padStart(8, '0');
}

// The finaliser of MurmurHash3 with splitmix32's constants.
function mix32(x: number): number {
  let z = x;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
