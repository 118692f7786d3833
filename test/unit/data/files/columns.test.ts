import { describe, expect, it } from 'vitest';
import { readAttribute, readAttributes } from '../../../../src/data/files/attributes.ts';
import { findColumns, type Role } from '../../../../src/data/files/columns.ts';
import { RowProblem } from '../../../../src/data/files/records.ts';

function rolesOf(names: readonly string[], wished = {}): Partial<Record<Role, string>> {
  return Object.fromEntries(findColumns(names, wished).names);
}

describe('findColumns', () => {
  it('knows the columns of public judgment files', () => {
    // Amazon ESCI
    expect(
      rolesOf([
        'example_id',
        'query',
        'query_id',
        'product_id',
        'product_locale',
        'esci_label',
        'product_title',
        'product_description',
        'product_bullet_point',
        'product_brand',
        'product_color',
      ]),
    ).toEqual({
      query: 'query',
      queryId: 'query_id',
      docId: 'product_id',
      title: 'product_title',
      text: 'product_description',
      brand: 'product_brand',
      grade: 'esci_label',
    });
    // WANDS, its product table and its labels joined
    expect(
      rolesOf([
        'query',
        'product_id',
        'product_name',
        'product_class',
        'product_description',
        'product_features',
        'label',
      ]),
    ).toEqual({
      query: 'query',
      docId: 'product_id',
      title: 'product_name',
      type: 'product_class',
      text: 'product_description',
      attributes: 'product_features',
      grade: 'label',
    });
    // Home Depot
    expect(rolesOf(['id', 'product_uid', 'product_title', 'search_term', 'relevance'])).toEqual({
      query: 'search_term',
      docId: 'product_uid',
      title: 'product_title',
      grade: 'relevance',
    });
    expect(rolesOf(['Query', 'Document', 'Grade'])).toEqual({ query: 'Query', title: 'Document', grade: 'Grade' });
  });

  it('uses a text as the title if there is no title', () => {
    expect(rolesOf(['q', 'passage', 'rel'])).toEqual({ query: 'q', title: 'passage', grade: 'rel' });
    expect(rolesOf(['q', 'title', 'passage'])).toEqual({ query: 'q', title: 'title', text: 'passage' });
  });

  it('follows the names given by the user', () => {
    const wished = { query: 'was', title: 'query', grade: 'score' };
    expect(rolesOf(['query', 'was', 'score', 'label', 'id'], wished)).toEqual({
      query: 'was',
      title: 'query',
      grade: 'score',
      docId: 'id',
    });
    expect(rolesOf(['query', 'title'], { title: 'missing' })).toEqual({ query: 'query' });
  });

  it('finds attributes in separate columns, and lists ignored columns', () => {
    const { attributes, ignored } = findColumns([
      'query',
      'title',
      'attributes.max power',
      'attr_finish',
      'product_color',
      'Material',
      'locale',
    ]);
    expect(attributes).toEqual([
      { column: 'attributes.max power', attribute: 'max power' },
      { column: 'attr_finish', attribute: 'finish' },
      { column: 'product_color', attribute: 'color' },
      { column: 'Material', attribute: 'material' },
    ]);
    expect(ignored).toEqual(['locale']);
  });
});

describe('readAttributes', () => {
  it('reads objects', () => {
    const value = {
      colour: ' red ',
      watts: 15,
      cordless: false,
      genres: ['a', 2, null],
      empty: '',
      none: null,
      list: [],
    };
    expect(readAttributes('attributes', value)).toEqual([
      ['colour', 'red'],
      ['watts', 15],
      ['cordless', false],
      ['genres', ['a', '2']],
    ]);
  });

  it('reads cells: JSON, or names and values', () => {
    expect(readAttributes('a', ' {"colour":"red"}')).toEqual([['colour', 'red']]);
    expect(readAttributes('a', 'colour : red|size: 1:2; colour: blue | dishwasher safe |')).toEqual([
      ['colour', ['red', 'blue']],
      ['size', '1:2'],
      ['other', 'dishwasher safe'],
    ]);
    expect(readAttributes('a', '')).toEqual([]);
    expect(readAttributes('a', null)).toEqual([]);
  });

  it.each<[name: string, value: unknown]>([
    ['a list', ['a']],
    ['broken JSON', '{"a":'],
    ['a number', 4],
    ['an object as a value', { a: { b: 1 } }],
    ['a list of lists', { a: [[1]] }],
    ['a forbidden name', JSON.parse('{"__proto__":"x"}')],
    ['a forbidden name in a cell', 'constructor: x'],
    ['NaN', { a: NaN }],
  ])('rejects %s', (_name, value) => {
    expect(() => readAttributes('attrs', value)).toThrow(RowProblem);
  });

  it('names the column and the attribute', () => {
    expect(() => readAttribute('attr_x', 'x', { y: 1 })).toThrow(
      expect.objectContaining({ column: 'attr_x', got: '{"y":1}' }),
    );
  });
});
