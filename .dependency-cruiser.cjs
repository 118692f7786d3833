/**
 * The direction of imports. The rooms of `src/` stand in one order, from the ground up: an import may only point to a
 * room that comes earlier in it. `docs/architecture.md` says what each room is for.
 */
const ROOMS = [
  'common',
  'config',
  'relevance',
  'protocol',
  'checkpoint',
  'data',
  'gpu',
  'kernels',
  'ops',
  'model',
  'optim',
  'infer',
  'train',
  'experiment',
  'ui',
  'cli',
];
const room = (names) => `^src/(${names.join('|')})/`;
const ENGINE = '^node_modules/(@tensorflow|webgpu)/';

const upward = ROOMS.slice(0, -1).map((name, index) => ({
  name: `${name}-imports-upward`,
  comment: `src/${name} may import only itself and the rooms before it.`,
  severity: 'error',
  // The page asks the build for the addresses of its workers; it imports nothing of them.
  from: { path: room([name]), pathNot: '^src/ui/[a-z]+-client\\.ts$' },
  to: { path: `${room(ROOMS.slice(index + 1))}|^workers/|^src/[^/]+$` },
}));

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'page-speaks-protocol-only',
      comment: 'The page reaches the engine through the messages of src/protocol, so that tfjs never is in its bundle.',
      severity: 'error',
      from: { path: '^src/(ui/|main\\.ts$)' },
      to: { path: `${ENGINE}|${room(ROOMS.slice(ROOMS.indexOf('checkpoint'), ROOMS.indexOf('ui')))}` },
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
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
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
