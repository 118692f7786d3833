/**
 * The text tokens of a vocabulary by their bytes, as a trie: which tokens may continue a text that must be one of some given
 * texts is found by walking both together, at a cost that does not grow with the vocabulary.
 */
import type { TokenSource } from './token-stream.ts';

/** A node of the trie: the bytes on the way to it are a prefix of some tokens. */
export interface ByteTrieNode {
  readonly next: ReadonlyMap<number, ByteTrieNode>;
  /** The tokens whose bytes end here, lowest id first; a vocabulary may hold the same bytes more than once. */
  readonly ids: readonly number[];
}

interface GrowingNode {
  readonly next: Map<number, GrowingNode>;
  readonly ids: number[];
}

/** The trie of all text tokens of a vocabulary; tokens without bytes are left out. */
export function byteTrie(source: TokenSource & { readonly vocabSize: number }): ByteTrieNode {
  const root: GrowingNode = { next: new Map(), ids: [] };
  for (let id = 0; id < source.vocabSize; id++) {
    const token = source.tokenOf(id);
    if (token.kind === 'special' || token.bytes.length === 0) continue;
    let node = root;
    for (const byte of token.bytes) {
      let child = node.next.get(byte);
      if (child === undefined) {
        child = { next: new Map(), ids: [] };
        node.next.set(byte, child);
      }
      node = child;
    }
    node.ids.push(id);
  }
  return root;
}
