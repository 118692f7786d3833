/**
 * A small file of judged pairs whose labels follow from their words, as a person could have made one.
 */
import { Rng } from '../../../src/common/rng.ts';
import { type DataSet } from '../../../src/data/files/data-set.ts';
import { type DataFile, readDataSet } from '../../../src/data/files/data-set-reader.ts';

const THINGS = ['kettle', 'lamp', 'rug', 'mug', 'chair', 'desk', 'pan', 'shelf'];
const COLOURS = ['red', 'blue', 'green', 'white', 'black'];

/** A TSV of `queries` queries with four documents each, graded 0 (other thing) to 2 (thing and colour as asked). */
export function pairsTsv(queries: number): string {
  const rng = new Rng('own pairs');
  const rows = Array.from({ length: queries }, (_, i) => {
    const thing = THINGS[i % THINGS.length] ?? '';
    const colour = COLOURS[Math.floor(i / THINGS.length) % COLOURS.length] ?? '';
    return Array.from({ length: 4 }, () => {
      const [otherThing, otherColour] = [rng.pick(THINGS), rng.pick(COLOURS)];
      const grade = rng.int(3);
      const words = [grade === 2 ? colour : otherColour, grade === 0 ? otherThing : thing];
      return `${colour} ${thing} ${i}\t${words.join(' ')}\t${grade}`;
    });
  });
  return ['query\ttitle\tgrade', ...rows.flat()].join('\n');
}

/** A text as a file. */
export function textFile(name: string, text: string): DataFile {
  return {
    name,
    open: async function* () {
      yield await Promise.resolve(new TextEncoder().encode(text));
    },
  };
}

/** The data set of one file. */
export async function dataSetOf(text: string, name = 'pairs.tsv'): Promise<DataSet> {
  return (await readDataSet([textFile(name, text)])).dataSet;
}
