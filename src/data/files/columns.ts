/**
 * Which column of a file is what. A user can name the columns; else they are told by the names that public judgment
 * files use (Amazon's ESCI, WANDS, Home Depot, CrowdFlower, TREC-like exports). Case, spaces and punctuation in names do
 * not count: `product_title`, `Product Title` and `productTitle` are one.
 */

/** What a column can hold. */
export const ROLES = ['query', 'queryId', 'docId', 'title', 'brand', 'type', 'text', 'attributes', 'grade'] as const;
export type Role = (typeof ROLES)[number];

/** Roles that belong to a pair: they are looked for beside a nested document, never in it. */
const PAIR_ROLES: ReadonlySet<Role> = new Set(['query', 'queryId', 'grade']);

/** Columns named by the user, by role; the empty name says that a role has none. */
export type ColumnNames = Readonly<Partial<Record<Role, string>>>;

/** The columns of one file. */
export interface Columns {
  readonly names: ReadonlyMap<Role, string>;
  /** Columns that each hold one attribute, such as `attributes.color`. */
  readonly attributes: readonly { readonly column: string; readonly attribute: string }[];
  /** Columns that are not used. */
  readonly ignored: readonly string[];
  /** Roles that more than one column could have, by their names. */
  readonly rivals: readonly Rivals[];
}

/** The column that was taken for a role, and others that have a name for it. */
export interface Rivals {
  readonly role: Role;
  readonly chosen: string;
  readonly others: readonly string[];
}

/** Names in the order of preference, as {@link plainName} gives them. */
const KNOWN_NAMES: Readonly<Record<Role, readonly string[]>> = {
  query: [
    'query',
    'q',
    'search',
    'searchquery',
    'searchterm',
    'searchterms',
    'searchtext',
    'querytext',
    'keyword',
    'keywords',
  ],
  queryId: ['queryid', 'qid', 'searchid'],
  docId: ['docid', 'documentid', 'productid', 'itemid', 'productuid', 'asin', 'sku', 'pid', 'uid', 'id'],
  title: [
    'title',
    'producttitle',
    'doctitle',
    'documenttitle',
    'itemtitle',
    'productname',
    'name',
    'headline',
    'document',
    'doc',
    'product',
    'item',
  ],
  brand: ['brand', 'productbrand', 'brandname', 'manufacturer', 'vendor', 'maker'],
  type: ['type', 'producttype', 'itemtype', 'category', 'productcategory', 'productclass', 'class'],
  text: [
    'text',
    'description',
    'productdescription',
    'body',
    'content',
    'passage',
    'abstract',
    'overview',
    'summary',
    'doctext',
    'documenttext',
  ],
  attributes: [
    'attributes',
    'attrs',
    'productattributes',
    'productfeatures',
    'features',
    'specifications',
    'specs',
    'properties',
  ],
  grade: [
    'grade',
    'label',
    'relevance',
    'rating',
    'escilabel',
    'esci',
    'judgment',
    'judgement',
    'relevancelabel',
    'relevancegrade',
    'medianrelevance',
    'rel',
    'gain',
  ],
};

/** `attributes.color`, `attr_color`, `attribute: color`. */
const ATTRIBUTE_PREFIX = /^attr(?:ibute)?s?[._: -]+(.+)$/i;
/** Attributes that catalogues give columns of their own. */
const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set(['color', 'colour', 'size', 'material', 'style', 'gender']);

/**
 * Finds the columns among the names that a file has. Where it has no title but a text, the text is the title: there must
 * be one field that always speaks.
 *
 * @param wished - names that the user gave; a wished name that is missing leaves its role without a column.
 * @param nestedIn - the name that the names of a nested document begin with, as `product` in `product.title`
 */
export function findColumns(available: readonly string[], wished: ColumnNames = {}, nestedIn?: string): Columns {
  const prefix = nestedIn === undefined ? undefined : `${nestedIn}.`;
  const isNested = (name: string): boolean => prefix !== undefined && name.startsWith(prefix);
  const bareName = (name: string): string =>
    prefix !== undefined && isNested(name) ? name.slice(prefix.length) : name;
  const levels = [available.filter(isNested), available.filter((name) => !isNested(name))];
  const speaks = (name: string): boolean => isNested(name) && isKnown(bareName(name), ['title', 'text']);

  /** Columns with a name for the role, the best first: of a document's own fields, then of what stands beside it. */
  const candidates = (role: Role): string[] =>
    levels.flatMap((names, level) => {
      if (level === 0 ? PAIR_ROLES.has(role) : role === 'title' && available.some(speaks)) return [];
      return KNOWN_NAMES[role].flatMap((known) => names.filter((name) => plainName(bareName(name)) === known));
    });
  const wishFor = (role: Role): string | undefined =>
    wished[role] === ''
      ? undefined
      : (available.find((name) => name === wished[role]) ?? available.find((name) => bareName(name) === wished[role]));

  const names = new Map<Role, string>();
  const taken = new Set(ROLES.map(wishFor).filter((name) => name !== undefined));
  for (const role of ROLES) {
    const name = wished[role] === undefined ? candidates(role).find((found) => !taken.has(found)) : wishFor(role);
    if (name === undefined) continue;
    names.set(role, name);
    taken.add(name);
  }
  const rivals = [...names].flatMap(([role, chosen]): Rivals[] => {
    const others = wished[role] === undefined ? candidates(role).filter((name) => !taken.has(name)) : [];
    return others.length === 0 ? [] : [{ role, chosen, others }];
  });
  const text = names.get('text');
  if (!names.has('title') && wished.title === undefined && text !== undefined) {
    names.set('title', text);
    names.delete('text');
  }
  const attributes = available
    .filter((name) => !taken.has(name))
    .flatMap((column) => attributeOf(bareName(column)).map((attribute) => ({ column, attribute })));
  const used = new Set([...names.values(), ...attributes.map(({ column }) => column)]);
  return { names, attributes, ignored: available.filter((name) => !used.has(name)), rivals };
}

/** Whether a role belongs to a pair and not to its document. */
export function isPairRole(role: Role): boolean {
  return PAIR_ROLES.has(role);
}

function isKnown(name: string, roles: readonly Role[]): boolean {
  const plain = plainName(name);
  return roles.some((role) => KNOWN_NAMES[role].includes(plain));
}

/** The attribute that a column of that name holds, if any. */
function attributeOf(column: string): string[] {
  const [, prefixed] = ATTRIBUTE_PREFIX.exec(column) ?? [];
  if (prefixed !== undefined) return [prefixed.trim()];
  const plain = plainName(column).replace(/^(product|item|doc)/, '');
  return ATTRIBUTE_NAMES.has(plain) ? [plain] : [];
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
