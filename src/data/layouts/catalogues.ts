/** Layouts of product and film search: Amazon's ESCI, MSRD, and what Quepid exports. */
import { RowProblem } from '../files/records.ts';
import { readRecords } from '../files/record-reader.ts';
import { isRowError } from '../files/records.ts';
import { type Arranged, lacking, type Layout } from './layout.ts';
import { columnOf, hasColumns, type LookedAt } from './look.ts';
import { changedFile, concatenated, idOf } from './record-sources.ts';

const ESCI = 'Amazon ESCI: examples and products, by product and locale';
const MSRD = 'MSRD: film queries and films';

const isEsciPairs = (look: LookedAt): boolean =>
  hasColumns(look, ['query', 'productid', 'productlocale']) && !isEsciWhole(look);
const isEsciProducts = (look: LookedAt): boolean =>
  hasColumns(look, ['productid', 'productlocale', 'producttitle']) && !look.roles.has('query');
/** Some copies have the products beside the examples already. */
const isEsciWhole = (look: LookedAt): boolean => hasColumns(look, ['query', 'productlocale', 'producttitle']);
const isFilms = (look: LookedAt): boolean => hasColumns(look, ['id', 'title', 'overview']) && !look.roles.has('query');
const isFilmPairs = (look: LookedAt): boolean =>
  look.roles.has('query') && filmId(look) !== undefined && !look.roles.has('title');
const isQuepidBasic = (look: LookedAt): boolean =>
  look.columns.length === 3 && hasColumns(look, ['query', 'docid', 'rating']);
const isQuepidDetail = (look: LookedAt): boolean =>
  hasColumns(look, ['querytext', 'docid', 'rating']) && columnOf(look, 'casename', 'caseid', 'teamname') !== undefined;
const isQuepid = (look: LookedAt): boolean => isQuepidBasic(look) || isQuepidDetail(look);

export const CATALOGUES: readonly Layout[] = [
  {
    name: 'esci',
    title: ESCI,
    recognises: (files) => files.some((look) => isEsciPairs(look)),
    arrange: arrangeEsci,
  },
  {
    name: 'msrd',
    title: MSRD,
    recognises: (files) => files.length === 2 && files.some(isFilms) && files.some(isFilmPairs),
    arrange: arrangeMsrd,
  },
  {
    name: 'quepid',
    title: 'Quepid: an export of ratings, basic or detailed',
    recognises: (files) => files.some(isQuepid),
    arrange: arrangeQuepid,
  },
];

/**
 * Products have one id in several locales, so that ids name a product together with its locale where there are several.
 */
async function arrangeEsci(files: readonly LookedAt[]): Promise<Arranged> {
  const examples = files.filter(isEsciPairs);
  const products = files.filter(isEsciProducts);
  if (examples.length === 0 || products.length === 0 || examples.length + products.length < files.length) {
    throw lacking(files, {
      problem: products.length === 0 ? 'the texts of the products are missing' : 'a file has no part in it',
      expected: ESCI,
      fix: 'Choose the file of examples and the file of products together.',
    });
  }
  const locales = new Set<string>();
  for (const look of examples) {
    const column = columnOf(look, 'productlocale') ?? '';
    for await (const batch of readRecords(look.file.open(), { fileName: look.file.name })) {
      for (const item of batch) if (!isRowError(item)) locales.add(idOf(item.fields.get(column)));
    }
  }
  const isOne = locales.size <= 1;
  const withId = (look: LookedAt): ReturnType<typeof changedFile> => {
    const [id, locale] = [columnOf(look, 'productid') ?? '', columnOf(look, 'productlocale') ?? ''];
    return changedFile(look.file, ({ row, fields }) => {
      const its = idOf(fields.get(locale));
      if (!locales.has(its)) return [];
      const docId = isOne ? idOf(fields.get(id)) : `${idOf(fields.get(id))}@${its}`;
      return [{ row, fields: new Map<string, unknown>([...fields, ['docId', docId]]) }];
    });
  };
  const nameOf = (some: readonly LookedAt[]): string => some.map(({ file }) => file.name).join(', ');
  return {
    pairs: concatenated(examples.map(withId), nameOf(examples)),
    documents: concatenated(products.map(withId), nameOf(products)),
    notes: isOne
      ? []
      : [`Ids of products have their locale added, as in B01@us, because there are ${locales.size} locales.`],
  };
}

async function arrangeMsrd(files: readonly LookedAt[]): Promise<Arranged> {
  await Promise.resolve();
  const films = files.find(isFilms);
  const pairs = files.find(isFilmPairs);
  if (films === undefined || pairs === undefined || files.length !== 2) {
    throw lacking(files, {
      problem: 'it is not the files of MSRD',
      expected: MSRD,
      fix: 'Choose both files together.',
    });
  }
  const id = filmId(pairs) ?? '';
  return {
    pairs: changedFile(pairs.file, ({ row, fields }) => [
      { row, fields: new Map<string, unknown>([...fields, ['docId', idOf(fields.get(id))]]) },
    ]),
    documents: changedFile(films.file, ({ row, fields }) => [{ row, fields: filmFields(films, fields) }]),
  };
}

/** Lists of a film, as attributes with several values. */
const FILM_LISTS = ['genres', 'tags', 'director', 'actors', 'characters'] as const;

function filmFields(films: LookedAt, fields: ReadonlyMap<string, unknown>): Map<string, unknown> {
  const of = (name: string): unknown => fields.get(columnOf(films, name) ?? '');
  const lists = FILM_LISTS.flatMap((name): [string, unknown][] => {
    const value = of(name);
    const items = Array.isArray(value) ? (value as unknown[]) : idOf(value).split(',');
    const texts = items.map((item) => idOf(item)).filter((item) => item !== '');
    return texts.length === 0 ? [] : [[name, texts]];
  });
  return new Map<string, unknown>([
    ['docId', idOf(of('id'))],
    ['title', of('title')],
    ['text', of('overview')],
    ['attributes', Object.fromEntries(lists)],
  ]);
}

function filmId(look: LookedAt): string | undefined {
  return columnOf(look, 'movieid', 'filmid', 'docid', 'documentid', 'itemid', 'tmdbid', 'id');
}

/** A query without results has a row without a document. */
async function arrangeQuepid(files: readonly LookedAt[]): Promise<Arranged> {
  await Promise.resolve();
  const ratings = files.filter(isQuepid);
  const [documents, ...more] = files.filter((look) => !isQuepid(look));
  const isWhole = ratings.every((look) => look.roles.has('title'));
  if (ratings.length === 0 || more.length > 0 || (documents === undefined && !isWhole)) {
    throw lacking(files, {
      problem:
        documents === undefined ? 'the texts of the documents are missing' : 'these files do not belong together',
      expected: 'ratings exported from Quepid, with titles (detailed) or with a file of documents',
      fix: 'Export the detailed form, or give a file of documents with --docs or together with the ratings.',
    });
  }
  if (documents !== undefined && !documents.roles.has('docId')) {
    throw lacking(files, {
      problem: `${documents.file.name} holds no documents by their ids`,
      expected: 'columns with an id and a title or text',
      fix: 'Name the column with --column docId=NAME.',
    });
  }
  const rated = ratings.map((look) => {
    const [docId, rating] = [columnOf(look, 'docid') ?? '', columnOf(look, 'rating') ?? ''];
    return changedFile(look.file, (record) => {
      if (idOf(record.fields.get(docId)) !== '') return [record];
      const grade = idOf(record.fields.get(rating));
      if (grade === '') return [];
      throw new RowProblem(docId, 'the document of a rating is missing', 'a document id', '');
    });
  });
  return {
    pairs: concatenated(rated, ratings.map(({ file }) => file.name).join(', ')),
    documents: documents?.file,
    notes: ['Rows of queries without results are not read.'],
  };
}
