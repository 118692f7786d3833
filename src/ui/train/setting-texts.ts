/**
 * What each setting is called on the page and what it does, in a sentence. The schema knows what a setting may be; people
 * need to know what it is for. A test holds this map to the schema.
 */

/** The parts of the form. */
export const SETTING_GROUPS = ['model', 'data', 'training'] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

export interface SettingText {
  readonly label: string;
  readonly help: string;
  readonly group: SettingGroup;
  /** `basic` is always in sight, `advanced` one click away; `fixed` is decided by the data and not offered. */
  readonly level: 'basic' | 'advanced' | 'fixed';
}

const text = (group: SettingGroup, level: SettingText['level'], label: string, help: string): SettingText => ({
  label,
  help,
  group,
  level,
});

/** By path. */
export const SETTING_TEXTS: Readonly<Record<string, SettingText>> = {
  name: text('model', 'basic', 'Name', 'Stands in the model card and names its checkpoints.'),
  preset: text('model', 'basic', 'Shape', 'From lab-nano (0.14 M parameters) to base (60 M).'),

  'data.trainQueries': text(
    'data',
    'basic',
    'Training queries',
    'Of the rule world, with several judged documents each.',
  ),
  'data.labelNoise': text(
    'data',
    'basic',
    'Label noise',
    'Share of training pairs with a wrong label; held-out pairs stay clean.',
  ),
  'data.trainTailWeight': text(
    'data',
    'basic',
    'Weight of rare rules',
    'Below 1, pairs that cite rare rules are left out of training.',
  ),
  devPairs: text('data', 'basic', 'Held-out pairs', 'How many pairs an evaluation during training looks at.'),
  'data.kind': text('data', 'fixed', 'Data', 'What the model learns from.'),
  'data.name': text('data', 'fixed', 'File', 'The file of judged pairs.'),
  'data.sha256': text('data', 'fixed', 'Contents', 'Tells the file from any other.'),
  'data.devShare': text('data', 'basic', 'Held-out share', 'Of the queries of the file; evaluations look at them.'),
  'data.testShare': text('data', 'advanced', 'Test share', 'Of the queries; never looked at while training.'),
  'data.splitSeed': text('data', 'advanced', 'Seed of the split', 'Decides which queries are held out.'),
  'data.grades': text('data', 'fixed', 'Grades', 'What the grades of the file mean, chosen where the file is.'),
  'data.seed': text('data', 'advanced', 'Seed of the world', 'Another seed gives other brands, queries and documents.'),
  'data.devQueries': text('data', 'advanced', 'Held-out queries', 'Queries that held-out pairs are taken from.'),
  'data.testQueries': text('data', 'advanced', 'Test queries', 'Never looked at while training.'),
  'data.documentsPerQuery': text('data', 'advanced', 'Documents per query', 'At least one for each label.'),
  'data.zipfExponent': text('data', 'advanced', 'Zipf exponent', 'The higher, the rarer the rare rules.'),
  'data.hardNegativeShare': text(
    'data',
    'advanced',
    'Hard negatives',
    'Share of documents that fit in all respects but one.',
  ),
  'data.brandCount': text(
    'data',
    'advanced',
    'Brands',
    'Invented brand names; half of those in the test split are new.',
  ),
  wordSplitShare: text(
    'data',
    'advanced',
    'Words cut',
    'Share of words cut at random, so that copying works on unknown words.',
  ),
  'prompt.standing': text(
    'data',
    'advanced',
    'Standing among documents',
    'Of a file: tell the model how BM25 places a document among those of its query.',
  ),
  'prompt.hints': text('data', 'advanced', 'Hint tokens', 'Tell the model computed word and number overlaps.'),
  'prompt.caseFold': text('data', 'advanced', 'Lower case', 'Small vocabularies should not spend entries on capitals.'),
  'prompt.scaleSize': text('data', 'basic', 'Labels', 'How many the grades of the file have, 0 the worst.'),
  'prompt.instructionVersion': text('data', 'fixed', 'Instruction', 'There is one instruction so far.'),
  'prompt.maxWordsPerField.query': text('data', 'advanced', 'Words of a query', 'Longer ones are cut.'),
  'prompt.maxWordsPerField.title': text(
    'data',
    'advanced',
    'Words of a title',
    'Longer ones are cut; 0 leaves titles out.',
  ),
  'prompt.maxWordsPerField.brand': text(
    'data',
    'advanced',
    'Words of a brand',
    'Longer ones are cut; 0 leaves brands out.',
  ),
  'prompt.maxWordsPerField.type': text(
    'data',
    'advanced',
    'Words of a type',
    'Longer ones are cut; 0 leaves types out.',
  ),
  'prompt.maxWordsPerField.attributes': text(
    'data',
    'advanced',
    'Words of attributes',
    'Of all together; 0 leaves them out.',
  ),
  'prompt.maxWordsPerField.text': text(
    'data',
    'advanced',
    'Words of a text',
    'Longer ones are cut; 0 leaves texts out.',
  ),

  'sft.steps': text('training', 'basic', 'Steps', 'Optimizer updates.'),
  'sft.batchSize': text('training', 'basic', 'Batch size', 'Pairs per forward pass; memory grows with it.'),
  'sft.learningRate': text('training', 'basic', 'Learning rate', 'At its peak, after the warm-up.'),
  'sft.seed': text(
    'training',
    'basic',
    'Seed',
    'Of the first weights and the order of the data. The same seed repeats a run.',
  ),
  'sft.evaluateEvery': text('training', 'basic', 'Evaluate every', 'Steps between looks at held-out pairs.'),
  'sft.checkpointEvery': text('training', 'basic', 'Save every', 'Steps between checkpoints: what a crash can cost.'),
  'sft.accumulation': text(
    'training',
    'advanced',
    'Passes per step',
    'Forward passes that one update is cut into; every token weighs the same.',
  ),
  'sft.warmupSteps': text('training', 'advanced', 'Warm-up', 'Steps in which the learning rate rises.'),
  'sft.finalFraction': text(
    'training',
    'advanced',
    'Final rate',
    'The learning rate at the end, as a share of its peak.',
  ),
  'sft.beta1': text('training', 'advanced', 'AdamW beta 1', 'Memory of the mean of gradients.'),
  'sft.beta2': text('training', 'advanced', 'AdamW beta 2', 'Memory of the mean of squared gradients.'),
  'sft.adamEps': text('training', 'advanced', 'AdamW epsilon', 'Keeps small gradients from being blown up.'),
  'sft.weightDecay': text(
    'training',
    'advanced',
    'Weight decay',
    'Pulls weights towards zero, per unit of learning rate.',
  ),
  'sft.maxGradNorm': text('training', 'advanced', 'Gradient limit', 'Longer gradients are shortened to this norm.'),
  'sft.precision': text(
    'training',
    'advanced',
    'Precision',
    'mixed rounds what matrix products read to 16 bits: less memory on a GPU; without one, slower and no smaller.',
  ),
  'sft.labelWeight': text(
    'training',
    'advanced',
    'Label weight',
    'Of the label in the loss; every other token weighs 1.',
  ),
  'sft.logEvery': text('training', 'advanced', 'Log every', 'Steps between points of the loss curve.'),
};

/** Settings that the rule world decides by itself. */
export const NOT_OF_A_WORLD: ReadonlySet<string> = new Set(['prompt.scaleSize']);
