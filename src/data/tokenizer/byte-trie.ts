/**
 * The text tokens of a vocabulary as a trie over their bytes. The tokens that may continue one of some given texts are
 * found by walking trie and texts together, at a cost independent of the vocabulary size.
 */
import type { TokenSource } from './token-stream.ts';

/** A node of the trie; the bytes on the path to it are a prefix of some tokens. */
export interface ByteTrieNode {
  readonly next: ReadonlyMap<number, ByteTrieNode>;
  /** The tokens whose bytes end here, lowest id first; a vocabulary may have the same bytes more than once. */
  readonly ids: readonly number[];
}

interface GrowingNode {
  readonly next: Map<number, GrowingNode>;
  readonly ids: number[];
}

/** The trie of all text tokens of a vocabulary; tokens without bytes are omitted. */
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
