/** Mostly valid values of a valibot schema, so that fuzzed messages and settings get past the first check. */
import type { Rng } from '../../../src/common/rng.ts';
import { someJson, someNumber, someText } from './mutations.ts';

/** The properties of a schema that are read here. */
interface Node {
  readonly type: string;
  readonly wrapped?: Node;
  readonly default?: unknown;
  readonly entries?: Readonly<Record<string, Node>>;
  readonly options?: readonly unknown[];
  readonly items?: readonly Node[];
  readonly item?: Node;
  readonly value?: Node;
  readonly literal?: unknown;
  readonly pipe?: readonly Node[];
  readonly requirement?: unknown;
  readonly class?: unknown;
}

/** A value that the schema accepts in most draws; defaults are left out in half of them. */
export function someOf(schema: unknown, rng: Rng, depth = 6): unknown {
  const node = schema as Node;
  if (rng.chance(0.01) || depth < 0) return someJson(rng, 1);
  switch (node.type) {
    case 'optional':
      return rng.chance(0.5) ? undefined : someOf(node.wrapped, rng, depth);
    case 'nullable':
    case 'nullish':
      return rng.chance(0.4) ? null : someOf(node.wrapped, rng, depth);
    case 'object':
    case 'strict_object': {
      const entries = Object.entries(node.entries ?? {}).map(([key, entry]) => [key, someOf(entry, rng, depth - 1)]);
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    }
    case 'array':
      return Array.from({ length: rng.int(4) }, () => someOf(node.item, rng, depth - 1));
    case 'tuple':
    case 'strict_tuple':
      return (node.items ?? []).map((item) => someOf(item, rng, depth - 1));
    case 'record':
      return Object.fromEntries(
        Array.from({ length: rng.int(3) }, () => [someText(rng, 2), someOf(node.value, rng, depth - 1)]),
      );
    case 'union':
    case 'variant':
      return someOf(rng.pick(node.options ?? []), rng, depth - 1);
    case 'picklist':
      return rng.pick(node.options ?? ['']);
    case 'literal':
      return node.literal;
    case 'boolean':
      return rng.chance(0.5);
    case 'number':
      return someNumberIn(node, rng);
    case 'string':
      return someTextOf(node, rng);
    case 'instance':
      return node.class === Blob ? new Blob() : new Uint8Array(rng.int(4));
    default:
      return someJson(rng, 1);
  }
}

function requirementOf(node: Node, type: string): number | undefined {
  const found = actionsOf(node).find((action) => action.type === type)?.requirement;
  return typeof found === 'number' ? found : undefined;
}

function actionsOf(node: Node): readonly Node[] {
  return node.pipe === undefined ? [node] : node.pipe.flatMap((one) => (one === node ? [] : actionsOf(one)));
}

function someNumberIn(node: Node, rng: Rng): number {
  const isWhole = actionsOf(node).some(({ type }) => type === 'integer' || type === 'safe_integer');
  const least = requirementOf(node, 'min_value') ?? requirementOf(node, 'gt_value');
  const most = requirementOf(node, 'max_value');
  if (rng.chance(0.05)) return someNumber(rng);
  if (rng.chance(0.2)) return rng.pick([least ?? 0, most ?? 1]);
  const low = least ?? 0;
  const high = Math.min(most ?? low + 100, low + 100);
  const drawn = low + rng.next() * (high - low);
  return isWhole ? Math.round(drawn) : drawn;
}

function someTextOf(node: Node, rng: Rng): string {
  const pattern = actionsOf(node).find(({ type }) => type === 'regex')?.requirement;
  if (!(pattern instanceof RegExp)) return someText(rng, 4);
  const candidates = [rng.uint32().toString(16), 'a'.repeat(64), 'model.safetensors', '2026-01-01', 'a-b'];
  return candidates.find((text) => pattern.test(text)) ?? someText(rng, 2);
}
