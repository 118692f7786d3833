/**
 * Assigns roles to the columns of a file. A user can name the columns; otherwise they are recognised by the names used
 * in public judgment files (Amazon's ESCI, WANDS, Home Depot, CrowdFlower, TREC-like exports). Case, spaces and
 * punctuation in names are ignored: `product_title`, `Product Title` and `productTitle` are equal.
 */

/** The roles of columns. */
export const ROLES = [
  'query',
  'queryId',
  'docId',
  'title',
  'brand',
  'type',
  'text',
  'attributes',
  'grade',
  'judge',
] as const;
export type Role = (typeof ROLES)[number];

/** Roles of a pair, which are searched beside a nested document and never inside it. */
const PAIR_ROLES: ReadonlySet<Role> = new Set(['query', 'queryId', 'grade', 'judge']);

/** Columns named by the user, by role; the empty name says that a role has none. */
export type ColumnNames = Readonly<Partial<Record<Role, string>>>;

/** The columns of one file. */
export interface Columns {
  readonly names: ReadonlyMap<Role, string>;
  /** Columns with one attribute each, such as `attributes.color`. */
  readonly attributes: readonly { readonly column: string; readonly attribute: string }[];
  /** Unused columns. */
  readonly ignored: readonly string[];
  /** Roles for which several columns qualify by name. */
  readonly rivals: readonly Rivals[];
}

/** The column chosen for a role, or the nested document, and others that qualify by name. */
export interface Rivals {
  readonly role: Role | 'document';
  readonly chosen: string;
  readonly others: readonly string[];
}

/** Names in order of preference, normalised by {@link plainName}. */
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
  docId: ['docid', 'documentid', 'corpusid', 'productid', 'itemid', 'productuid', 'asin', 'sku', 'pid', 'uid', 'id'],
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
  judge: ['judge', 'annotator', 'annotatorid', 'assessor', 'assessorid', 'rater', 'raterid', 'judgeid', 'workerid'],
};

/** `attributes.color`, `attr_color`, `attribute: color`. */
const ATTRIBUTE_PREFIX = /^attr(?:ibute)?s?[._: -]+([^._: -].*)$/i;
/** Attributes that catalogues put into separate columns. */
const ATTRIBUTE_NAMES: ReadonlySet<string> = new Set(['color', 'colour', 'size', 'material', 'style', 'gender']);

/**
 * Assigns roles to the columns of a file. In a file with a text but no title the text becomes the title, because one
 * field must always have content.
 *
 * @param requested - names given by the user; if a requested name is missing, its role has no column
 * @param nestedIn - the prefix of a nested document's names, such as `product` in `product.title`
 */
export function findColumns(available: readonly string[], requested: ColumnNames = {}, nestedIn?: string): Columns {
  const prefix = nestedIn === undefined ? undefined : `${nestedIn}.`;
  const isNested = (name: string): boolean => prefix !== undefined && name.startsWith(prefix);
  const bareName = (name: string): string =>
    prefix !== undefined && isNested(name) ? name.slice(prefix.length) : name;
  const levels = [available.filter(isNested), available.filter((name) => !isNested(name))];
  const hasContent = (name: string): boolean => isNested(name) && isKnown(bareName(name), ['title', 'text']);

  /** Columns with a name for the role, best first: those of the nested document, then those beside it. */
  const candidates = (role: Role): string[] =>
    levels.flatMap((names, level) => {
      if (level === 0 ? PAIR_ROLES.has(role) : role === 'title' && available.some(hasContent)) return [];
      return KNOWN_NAMES[role].flatMap((known) => names.filter((name) => plainName(bareName(name)) === known));
    });
  const wishFor = (role: Role): string | undefined =>
    requested[role] === ''
      ? undefined
      : (available.find((name) => name === requested[role]) ??
        available.find((name) => bareName(name) === requested[role]));

  const names = new Map<Role, string>();
  const taken = new Set(ROLES.map(wishFor).filter((name) => name !== undefined));
  for (const role of ROLES) {
    const name = requested[role] === undefined ? candidates(role).find((found) => !taken.has(found)) : wishFor(role);
    if (name === undefined) continue;
    names.set(role, name);
    taken.add(name);
  }
  const rivals = [...names].flatMap(([role, chosen]): Rivals[] => {
    const others = requested[role] === undefined ? candidates(role).filter((name) => !taken.has(name)) : [];
    return others.length === 0 ? [] : [{ role, chosen, others }];
  });
  const text = names.get('text');
  if (!names.has('title') && requested.title === undefined && text !== undefined) {
    names.set('title', text);
    names.delete('text');
  }
  const attributes = available
    .filter((name) => !taken.has(name))
    .flatMap((column) => attributeOf(bareName(column)).map((attribute) => ({ column, attribute })));
  const used = new Set([...names.values(), ...attributes.map(({ column }) => column)]);
  return { names, attributes, ignored: available.filter((name) => !used.has(name)), rivals };
}

/** Whether a role belongs to the pair and not to its document. */
export function isPairRole(role: Role): boolean {
  return PAIR_ROLES.has(role);
}

function isKnown(name: string, roles: readonly Role[]): boolean {
  const plain = plainName(name);
  return roles.some((role) => KNOWN_NAMES[role].includes(plain));
}

/** The attribute in a column of that name, if any. */
function attributeOf(column: string): string[] {
  const [, prefixed] = ATTRIBUTE_PREFIX.exec(column) ?? [];
  if (prefixed !== undefined) return [prefixed.trim()];
  const plain = plainName(column).replace(/^(product|item|doc)/, '');
  return ATTRIBUTE_NAMES.has(plain) ? [plain] : [];
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}
