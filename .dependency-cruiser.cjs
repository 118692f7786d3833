/**
 * The direction of imports. The rooms of `src/` are listed in one order, from the ground up: a file may import from its own
 * room and from rooms listed before it, and no file may take part in a cycle. A folder with rooms inside is itself a room
 * for the files directly in it. `docs/architecture.md` says what each room is for.
 */
const ROOMS = [
  'common',
  'config',
  'relevance/pair',
  'relevance/trace',
  'relevance/rules',
  'relevance/metrics',
  'relevance/prompt',
  'relevance/world',
  'relevance/piar',
  'protocol',
  'checkpoint',
  'data/tokenizer',
  'data',
  'data/files',
  'data/kinds',
  'data/layouts',
  'gpu',
  'kernels',
  'ops',
  'model',
  'optim',
  'infer/held',
  'infer',
  'train/reference',
  'train',
  'runs',
  'runs/score',
  'sessions',
  'sessions/files',
  'studies',
  'studies/judged',
  'ui/parts',
  'ui/parts/charts',
  'ui/parts/sessions',
  'ui/parts/forms',
  'ui/score',
  'ui/files',
  'ui/theory',
  'ui/train',
  'ui/flow',
  'ui/collapse',
  'ui/runs',
  'ui/lessons/parts',
  'ui/lessons/collapse',
  'ui/lessons/topics',
  'ui/lessons',
  'ui',
  'cli',
  'cli/runs',
  'cli/models',
  'cli/score',
  'cli/studies',
];
const room = (names) => `^src/(${names.join('|')})/[^/]+$`;
const ENGINE = '^node_modules/(@tensorflow|webgpu)/';

const upward = ROOMS.slice(0, -1).map((name, index) => ({
  name: `${name}-imports-upward`,
  comment: `src/${name} may import only itself and the rooms before it.`,
  severity: 'error',
  // The page asks the build for the addresses of its workers, and the list of commands names those of all rooms.
  from: { path: room([name]), pathNot: '^src/(ui/[a-z/]+-client|cli/commands)\\.ts$' },
  to: { path: `${room(ROOMS.slice(index + 1))}|^workers/|^src/[^/]+$` },
}));

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'file-outside-the-rooms',
      comment: 'Every file of src/ belongs to a room of the list above.',
      severity: 'error',
      from: {},
      to: { path: '^src/.+/', pathNot: room(ROOMS) },
    },
    {
      name: 'page-speaks-protocol-only',
      comment: 'The page reaches the engine through the messages of src/protocol, so that tfjs never is in its bundle.',
      severity: 'error',
      from: { path: '^src/(ui/|main\\.ts$)' },
      to: { path: `${ENGINE}|${room(ROOMS.slice(ROOMS.indexOf('checkpoint'), ROOMS.indexOf('ui/parts')))}` },
    },
    {
      name: 'domain-has-no-tensors',
      comment: 'Rooms below gpu are pure TypeScript: they run anywhere and are tested without a backend.',
      severity: 'error',
      from: { path: room(ROOMS.slice(0, ROOMS.indexOf('gpu'))) },
      to: { path: ENGINE },
    },
    {
      name: 'source-imports-tests',
      comment: 'What is shipped never depends on what tests it.',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'node-in-browser-code',
      comment: 'Only the command line may use Node.',
      severity: 'error',
      from: { path: '^(src|workers)/', pathNot: '^src/cli/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'circular',
      severity: 'error',
      from: { pathNot: '^node_modules/' },
      to: { circular: true },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\?(url|worker|raw)' },
    },
    {
      name: 'development-package-in-source',
      severity: 'error',
      from: { path: '^(src|workers)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: '^node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      conditionNames: ['import', 'types', 'default'],
    },
  },
};
