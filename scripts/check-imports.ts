/**
 * Checks the direction of imports with dependency-cruiser, and that it saw every source file: with a TypeScript version
 * that it does not support, it finds no modules and reports no violations.
 */
import { readdirSync } from 'node:fs';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const options = await extractDepcruiseOptions('./.dependency-cruiser.cjs');
const { output } = await cruise(['src', 'workers'], options, undefined, { tsConfig: extractTSConfig('tsconfig.json') });
const { modules, summary } = output as ICruiseResult;

const seen = new Set(modules.map((module) => module.source));
const files = ['src', 'workers'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
);
const unseen = files.filter((file) => !seen.has(file));
for (const file of unseen) console.error(`${file}: dependency-cruiser did not see this file`);
for (const { rule, from, to } of summary.violations) console.error(`${from} -> ${to}: ${rule.name}`);
if (unseen.length > 0 || summary.violations.length > 0 || seen.size === 0) {
  console.error(`imports: ${summary.violations.length} violations, ${unseen.length} files not seen`);
  process.exit(1);
}
console.log(`imports: ${modules.length} modules, ${summary.totalDependenciesCruised ?? 0} dependencies, no violations`);
