/** One part of `bench -- device` in a process of its own. The last line of its output is the result as JSON. */
import process from 'node:process';
import { choicesInFile } from '../../../src/cli/choices-file.ts';
import { keepVariantChoices } from '../../../src/gpu/kept-choices.ts';
import type { PartName } from '../../../src/protocol/device-report.ts';
import type { BenchBackend } from '../backend-pair.ts';
import { nodeSurroundings } from '../node-surroundings.ts';
import { measurePart } from './device-parts.ts';

const [part, backend, choices, adapter] = process.argv.slice(2) as [PartName, BenchBackend, string, string?];
keepVariantChoices(choicesInFile(choices));
const result = await measurePart(part, backend, nodeSurroundings(adapter));
process.stdout.write(`\n${JSON.stringify(result)}\n`, () => process.exit(0)); // Dawn keeps processes alive
