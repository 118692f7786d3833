/** Small files of every layout that is recognised, with the pairs that they hold. */

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** The judgments that most layouts here hold: query, id of the document, its title, its grade. */
export const JUDGED = [
  'red kettle | D1 | Kettle, red | 2',
  'red kettle | D2 | Garden hose | 0',
  'hose | D2 | Garden hose | 1',
];

export const CORPUS = [
  '{"_id":"D1","title":"Kettle, red","text":"1.5 l","metadata":{}}',
  '{"_id":"D2","title":"Garden hose","text":"","metadata":{}}',
  '',
].join('\n');
export const QUERIES = '{"_id":"1","text":"red kettle","metadata":{}}\n{"_id":"2","text":"hose","metadata":{}}\n';
export const QRELS = '1 0 D1 2\n1 0 D2 0\n2 0 D2 1\n';
export const BEIR_QRELS = 'query-id\tcorpus-id\tscore\n1\tD1\t2\n1\tD2\t0\n2\tD2\t1\n';
export const TOPICS =
  '<top>\n<num> Number: 1\n<title> red kettle\n<desc> Description:\nA kettle.\n</top>\n' +
  '<top>\n<num> Number: 2\n<title> Topic: hose\n</top>\n';
export const TREC_DOCS =
  '<DOC>\n<DOCNO> D1 </DOCNO>\n<TITLE>Kettle, red</TITLE>\n<TEXT>1.5 l &amp; more</TEXT>\n</DOC>\n' +
  '<doc><docno>D2</docno><headline>Garden hose</headline></doc>\n';
export const DOCS_TSV = 'docId\ttitle\nD1\tKettle, red\nD2\tGarden hose\n';

/** The same three judgments in every layout by ids, and where others differ what they give. */
export const LAYOUTS: Readonly<Record<string, readonly [layout: string, files: Files, pairs: readonly string[]]>> = {
  BEIR: ['beir', { 'corpus.jsonl': CORPUS, 'queries.jsonl': QUERIES, 'test.tsv': BEIR_QRELS }, JUDGED],
  'BEIR without titles': [
    'beir',
    {
      'corpus.jsonl': '{"_id":"D1","text":"Kettle, red"}\n{"_id":"D2","text":"Garden hose"}\n',
      'queries.jsonl': QUERIES,
      'test.tsv': BEIR_QRELS,
    },
    JUDGED,
  ],
  'TREC, all its own': ['trec', { qrels: QRELS, topics: TOPICS, docs: TREC_DOCS }, JUDGED],
  'TREC judgments with tables': [
    'trec',
    { 'qrels.txt': QRELS, 'q.tsv': 'qid\tquery\n1\tred kettle\n2\those\n', 'docs.tsv': DOCS_TSV },
    JUDGED,
  ],
  'TREC results with judgments': [
    'trec',
    { run: '1 Q0 D2 1 9.5 bm25\n1 Q0 D1 2 9.1 bm25\n', qrels: QRELS, topics: TOPICS, 'docs.tsv': DOCS_TSV },
    ['red kettle | D2 | Garden hose | 0', 'red kettle | D1 | Kettle, red | 2'],
  ],
  'MS MARCO': [
    'msmarco',
    {
      'collection.tsv': 'D1\tKettle, red\nD2\tGarden hose\n',
      'queries.dev.tsv': '1\tred kettle\n2\those\n',
      'qrels.dev.tsv': QRELS.replaceAll(' ', '\t'),
    },
    JUDGED,
  ],
  'MS MARCO lists': [
    'msmarco',
    { 'top1000.dev': '1\t7\tred kettle\tKettle, red\n1\t8\tred kettle\tGarden hose\n', qrels: '1\t0\t7\t1\n' },
    ['red kettle | 7 | Kettle, red | 1', 'red kettle | 8 | Garden hose | '],
  ],
  triples: [
    'triples',
    { 'triples.tsv': 'red kettle\tKettle, red\tGarden hose\nthe hose\tGarden hose\tKettle, red\n' },
    [
      'red kettle | * | Kettle, red | 1',
      'red kettle | * | Garden hose | 0',
      'the hose | * | Garden hose | 1',
      'the hose | * | Kettle, red | 0',
    ],
  ],
  'triples with a query of one word': [
    'triples',
    { 'triples.tsv': 'kettle\tKettle, red\tGarden hose\nthe hose\tGarden hose\tKettle, red\n' },
    [
      'kettle | * | Kettle, red | 1',
      'kettle | * | Garden hose | 0',
      'the hose | * | Garden hose | 1',
      'the hose | * | Kettle, red | 0',
    ],
  ],
  'triples with several negatives': [
    'triples',
    { 'triples.jsonl': '{"query":"q","pos":["a"],"neg":["b","c"]}\n' },
    ['q | * | a | 1', 'q | * | b | 0', 'q | * | c | 0'],
  ],
  'triples by ids': [
    'triples',
    { 't.tsv': '11\t701\t702\n', q: '11\tred kettle\n', c: '701\tKettle, red\n702\tGarden hose\n' },
    ['red kettle | 701 | Kettle, red | 1', 'red kettle | 702 | Garden hose | 0'],
  ],
  ESCI: [
    'esci',
    {
      'examples.csv':
        'example_id,query,query_id,product_id,product_locale,esci_label\n0,red kettle,1,D1,us,E\n1,rote kanne,2,D1,de,I\n',
      'products.csv':
        'product_id,product_title,product_locale\nD1,"Kettle, red",us\nD1,Gartenschlauch,de\nD1,Manguera,es\n',
    },
    ['red kettle | D1@us | Kettle, red | E', 'rote kanne | D1@de | Gartenschlauch | I'],
  ],
  WANDS: [
    'wands',
    {
      'label.csv': 'id\tquery_id\tproduct_id\tlabel\n0\t1\tD1\tExact\n1\t1\tD2\tIrrelevant\n',
      'product.csv':
        'product_id\tproduct_name\tproduct_class\tproduct_description\tproduct_features\nD1\tKettle, red\tKettles\tx\tcolor : red|size : 1\nD2\tGarden hose\tHoses\t\t\n',
      'query.csv': 'query_id\tquery\tquery_class\n1\tred kettle\tKettles\n',
    },
    ['red kettle | D1 | Kettle, red | Exact', 'red kettle | D2 | Garden hose | Irrelevant'],
  ],
  MSRD: [
    'msrd',
    {
      'movies.csv': 'id\ttitle\toverview\tgenres\trating\n603\tThe Matrix\tA hacker\taction,sci-fi\t8.2\n',
      'queries.csv': 'row_id\tquery\tmovie_id\tlabel\n1\thacker film\t603\t1\n',
    },
    ['hacker film | 603 | The Matrix | 1'],
  ],
  'Quepid, basic': [
    'quepid',
    { 'case.csv': 'query,docid,rating\nred kettle,D1,3\nred kettle,D2,\nnothing found,,\n', 'docs.tsv': DOCS_TSV },
    ['red kettle | D1 | Kettle, red | 3', 'red kettle | D2 | Garden hose | '],
  ],
  'Quepid, detailed': [
    'quepid',
    {
      'case.csv':
        'Team Name,Case Name,Query Text,Doc ID,Title,Rating\nT,C,red kettle,D1,"Kettle, red",3\nT,C,none,,,\n',
    },
    ['red kettle | D1 | Kettle, red | 3'],
  ],
  rank_eval: [
    'rank-eval',
    {
      'eval.json': JSON.stringify({
        requests: [
          {
            id: 'q1',
            request: {
              query: {
                bool: { must: [{ match: { text: { query: 'red kettle' } } }], filter: [{ term: { in: 'x' } }] },
              },
            },
            ratings: [{ _index: 'i', _id: 'D1', rating: 3 }],
          },
          {
            id: 'q2',
            template_id: 't',
            params: { query_string: 'hose', size: 3 },
            ratings: [{ _id: 'D2', rating: 1 }],
          },
        ],
      }),
      'docs.tsv': DOCS_TSV,
    },
    ['red kettle | D1 | Kettle, red | 3', 'hose | D2 | Garden hose | 1'],
  ],
  RRE: [
    'rre',
    {
      'rre.json': JSON.stringify(
        {
          index: 'i',
          topics: [
            {
              query_groups: [
                {
                  queries: [{ placeholders: { $query: 'red kettle' } }],
                  relevant_documents: { '3': ['D1'], '0': ['D2'] },
                },
                {
                  queries: [{ placeholders: { $query: 'hose', $rows: '3' } }],
                  relevant_documents: { D2: { gain: 2 } },
                },
              ],
            },
          ],
        },
        null,
        1,
      ),
      'docs.tsv': DOCS_TSV,
    },
    ['red kettle | D2 | Garden hose | 0', 'red kettle | D1 | Kettle, red | 3', 'hose | D2 | Garden hose | 2'],
  ],
  LTR: [
    'letor',
    {
      'train.txt': '2 qid:1 1:0.5 2:0.1 # docid = D1 inc = 1\n0 qid:1 1:0.2 # D2\n',
      'q.tsv': '1\tred kettle\n',
      'docs.tsv': DOCS_TSV,
    },
    ['red kettle | D1 | Kettle, red | 2', 'red kettle | D2 | Garden hose | 0'],
  ],
  'Label Studio': [
    'label-studio',
    {
      'export.json': JSON.stringify([
        {
          id: 7,
          data: { query: 'red kettle', title: 'Kettle, red', docId: 'D1' },
          annotations: [
            { completed_by: 1, result: [{ from_name: 'relevance', type: 'choices', value: { choices: ['Exact'] } }] },
            { completed_by: 2, result: [{ from_name: 'relevance', type: 'choices', value: { choices: ['Partial'] } }] },
            { was_cancelled: true, result: [{ from_name: 'relevance', value: { choices: ['None'] } }] },
          ],
        },
        { id: 8, data: { query: 'hose', title: 'Garden hose', docId: 'D2' }, annotations: [] },
      ]),
    },
    ['red kettle | D1 | Kettle, red | Exact', 'red kettle | D1 | Kettle, red | Partial', 'hose | D2 | Garden hose | '],
  ],
  'Argilla, both versions': [
    'argilla',
    {
      'one.jsonl': `${JSON.stringify({
        fields: { query: 'red kettle', document: 'Kettle, red' },
        responses: [
          { values: { relevance: { value: 3 } }, status: 'submitted', user_id: 'u' },
          { values: { relevance: { value: 0 } }, status: 'discarded' },
        ],
      })}\n`,
      'two.json': JSON.stringify([
        {
          id: '1',
          fields: { query: 'hose', document: 'Garden hose' },
          responses: { relevance: [{ value: '1', user_id: 'u' }] },
        },
      ]),
    },
    ['red kettle | * | Kettle, red | 3', 'hose | * | Garden hose | 1'],
  ],
  'a table': ['table', { 'p.csv': 'query,docId,title,grade\nred kettle,D1,"Kettle, red",2\n' }, [JUDGED[0] ?? '']],
  'two tables': ['table', { 'p.csv': 'query,docId,grade\nred kettle,D1,2\n', 'docs.tsv': DOCS_TSV }, [JUDGED[0] ?? '']],
};
