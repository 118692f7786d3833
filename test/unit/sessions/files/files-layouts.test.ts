/** Files of several layouts and kinds in the thread behind the Files view: found, mapped, remembered and exported. */
import { describe, expect, it } from 'vitest';
import { FilesService } from '../../../../src/sessions/files/files-service.ts';
import { textRow, workbookOf, zipOf } from '../../data/kinds/given.ts';
import { MemoryJudged } from '../memory-judged.ts';

function serviceOn(judged: MemoryJudged): FilesService {
  return new FilesService({ wasmPaths: '', openStore: () => Promise.resolve({ judged }) });
}

function blobOf(content: string | Uint8Array): Blob {
  return new Blob([typeof content === 'string' ? content : Uint8Array.from(content)]);
}

const BEIR = {
  'corpus.jsonl': '{"_id":"D1","title":"Kettle","text":""}\n{"_id":"D2","title":"Hose","text":""}\n',
  'queries.jsonl': '{"_id":"1","text":"red kettle"}\n',
  'test.tsv': 'query-id\tcorpus-id\tscore\n1\tD1\t1\n1\tD2\t0\n',
};
const filesOf = (files: Readonly<Record<string, string | Uint8Array>>): { name: string; blob: Blob }[] =>
  Object.entries(files).map(([name, content]) => ({ name, blob: blobOf(content) }));

describe('the Files view', () => {
  it('names the layout of several files, and shows what they are together', async () => {
    const opened = await serviceOn(new MemoryJudged()).add({ files: filesOf(BEIR) });
    expect(opened.failure).toBeNull();
    expect(opened.layout?.name).toBe('beir');
    expect(opened.survey).toMatchObject({ pairs: 2, queries: 1, documents: 2, refused: 0 });
    expect(opened.previews.map(({ name }) => name)).toEqual(['test.tsv', 'corpus.jsonl']);
    expect(opened.entry.name).toBe('corpus.jsonl, queries.jsonl and test.tsv');
  });

  it('opens an archive, and the sheet that is chosen, also the next time', async () => {
    const judged = new MemoryJudged();
    const service = serviceOn(judged);
    expect((await service.add({ files: filesOf({ 'beir.zip': zipOf(BEIR) }) })).survey?.pairs).toBe(2);
    const head = textRow(['query', 'title', 'Price']);
    const book = workbookOf({ sheets: { One: head, Two: head + textRow(['q', 'a kettle', '1']) } });
    const first = await service.add({ files: filesOf({ 'a.xlsx': book }) });
    expect(first).toMatchObject({ sheets: ['One', 'Two'], survey: null, isMapped: false });
    const second = await service.map({}, '', true, { format: '', sheet: 'Two' });
    expect(second).toMatchObject({ survey: { pairs: 1 }, failure: null, isMapped: true });
    const again = await serviceOn(judged).add({ files: filesOf({ 'b.xlsx': book }) });
    expect(again).toMatchObject({ isRemembered: true, reading: { sheet: 'Two' }, survey: { pairs: 1 } });
  });

  it('keeps files that do not belong together, says why, and reads them as is said', async () => {
    const judged = new MemoryJudged();
    const service = serviceOn(judged);
    const both = { 'qrels.txt': '1 0 D1 1\n', 'other.csv': 'a,b\n1,2\n' };
    const opened = await service.add({ files: filesOf(both) });
    expect(opened.layout).toBeNull();
    expect(opened.failure?.message).toMatch(/other\.csv holds neither queries nor documents/u);
    const forced = await service.map({}, '', false, { format: 'table', sheet: '' });
    expect(forced.failure?.message).toMatch(/one must have queries/u);
    expect(opened.layouts).toContain('table');
  });

  it('takes the meaning of grades from the layout until something else is said', async () => {
    const wands = {
      'label.csv': 'id\tquery_id\tproduct_id\tlabel\n0\t1\tD1\tExact\n1\t1\tD2\tPartial\n',
      'product.csv': 'product_id\tproduct_name\tproduct_class\nD1\tKettle\tKettles\nD2\tHose\tHoses\n',
      'query.csv': 'query_id\tquery\tquery_class\n1\tred kettle\tKettles\n',
    };
    const service = serviceOn(new MemoryJudged());
    expect(await service.add({ files: filesOf(wands) })).toMatchObject({
      layout: { name: 'wands' },
      grades: 'Exact=2,Partial=1,Irrelevant=0',
    });
    expect((await service.map({}, 'Exact=1,*=0', true)).grades).toBe('Exact=1,*=0');
  });

  it('refuses a file that is damaged without keeping it', async () => {
    const judged = new MemoryJudged();
    const zip = zipOf(BEIR);
    await expect(serviceOn(judged).add({ files: filesOf({ 'a.zip': zip.slice(0, -30) }) })).rejects.toMatchObject({
      code: 'bad-file',
    });
    expect(judged.kept.size).toBe(0);
  });
});
