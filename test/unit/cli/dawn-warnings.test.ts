/** Standard error as `npm run lab` forwards it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutDawnWarnings } from '../../../scripts/without-dawn-warnings.js';

const WARNINGS = ['Uniform', 'Storage'].map(
  (kind) =>
    `Warning: maxDynamic${kind}BuffersPerPipelineLayout artificially reduced from 500000 to 16 to fit dynamic offset ` +
    'allocation limit.\n',
);
const NO_VULKAN =
  "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory\n" +
  '    at operator() (/home/maker/third_party/dawn/src/dawn/native/vulkan/BackendVk.cpp:368)\n\n';
WARNINGS.push(NO_VULKAN);
const OTHERS = [
  'a note\n',
  'Warning: maxDynamic\n',
  'Warning: something else\n',
  '\n',
  '\rSteps: 1/2\n',
  '    at operator() (/home/maker/third_party/dawn/src/x.cpp:1)\n',
];

it('loses the warnings of Dawn and nothing else, however it is split', () => {
  const lines = fc.array(fc.constantFrom(...WARNINGS, ...OTHERS), { maxLength: 12 });
  fc.assert(
    fc.property(lines, fc.constantFrom('', 'Steps: 2/3', 'Warning: '), fc.array(fc.nat(400)), (all, unended, cuts) => {
      const text = all.join('') + unended;
      let passed = '';
      const filter = withoutDawnWarnings((more) => {
        passed += more;
      });
      const places = [0, ...cuts.filter((at) => at < text.length).toSorted((a, b) => a - b), text.length];
      for (const [i, at] of places.entries()) filter.push(text.slice(places[i - 1] ?? 0, at));
      filter.end();
      expect(passed).toBe(all.filter((line) => !WARNINGS.includes(line)).join('') + unended);
    }),
  );
});

it('forwards an incomplete line at once', () => {
  let passed = '';
  const { push } = withoutDawnWarnings((more) => {
    passed += more;
  });
  push('\rSteps: 1/2');
  expect(passed).toBe('\rSteps: 1/2');
});
