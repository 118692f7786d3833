/**
 * Which column of a file is what. A user can name the columns; else they are told by the names that public judgment
 * files use (Amazon's ESCI, WANDS, Home Depot, CrowdFlower, TREC-like exports). Case, spaces and punctuation in names do
 * not count: `product_title`, `Product Title` and `productTitle` are one.
 */

/** What a column can hold. */
export const ROLES = ['query', 'queryId', 'docId', 'title', 'brand', 'type', 'text', 'attributes', 'grade'] as const;
export type Role = (typeof ROLES)[number];

/** Columns named by the user, by role. */
export type ColumnNames = Readonly<Partial<Record<Role, string>>>;

/** The columns of one file. */
export interface Columns {
  readonly names: ReadonlyMap<Role, string>;
  /** Columns that each hold one attribute, such as `attributes.color`. */
  readonly attributes: readonly { readonly column: string; readonly attribute: string }[];
  /** Columns that are not used. */
  readonly ignored: readonly string[];
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
 */
export function findColumns(available: readonly string[], wished: ColumnNames = {}): Columns {
  const plain = new Map(available.map((name) => [plainName(name), name]));
  const names = new Map<Role, string>();
  const taken = new Set(Object.values(wished));
  for (const role of ROLES) {
    const name =
      wished[role] ??
      KNOWN_NAMES[role].map((known) => plain.get(known)).find((found) => found !== undefined && !taken.has(found));
    if (name === undefined || !available.includes(name)) continue;
    names.set(role, name);
    taken.add(name);
  }
  const text = names.get('text');
  if (!names.has('title') && wished.title === undefined && text !== undefined) {
    names.set('title', text);
    names.delete('text');
  }
  const attributes = available.filter((name) => !taken.has(name)).flatMap((column) => attributeOf(column));
  const used = new Set([...names.values(), ...attributes.map(({ column }) => column)]);
  return { names, attributes, ignored: available.filter((name) => !used.has(name)) };
}

function attributeOf(column: string): { column: string; attribute: string }[] {
  const [, prefixed] = ATTRIBUTE_PREFIX.exec(column) ?? [];
  if (prefixed !== undefined) return [{ column, attribute: prefixed.trim() }];
  const plain = plainName(column).replace(/^(product|item|doc)/, '');
  return ATTRIBUTE_NAMES.has(plain) ? [{ column, attribute: plain }] : [];
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
