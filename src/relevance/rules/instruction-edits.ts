/**
 * The typed edits by which an instruction is refined. They name rules by id and places by the rule that follows, so
 * that an edit still means the same after others were made.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { conditionText } from './instruction-text.ts';
import { conditionSchema, type Instruction, parseInstruction, type Rule, ruleSchema } from './instruction.ts';
import { CRITERIA } from '../pair/vocabulary.ts';

const id = v.pipe(v.string(), v.nonEmpty());
/** The rule before which it goes; at the end when left out. */
const before = v.optional(id);

/** One edit, strictly: unknown keys are errors. */
export const editSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('add'), rule: ruleSchema, before }),
  v.strictObject({ kind: v.literal('remove'), id }),
  v.strictObject({ kind: v.literal('move'), id, before }),
  v.strictObject({
    kind: v.literal('change'),
    id,
    /** What of the rule becomes what. */
    to: v.partial(
      v.strictObject({
        criterion: v.picklist(CRITERIA),
        when: conditionSchema,
        cap: v.pipe(v.number(), v.integer(), v.minValue(0)),
        text: v.pipe(v.string(), v.nonEmpty()),
      }),
    ),
  }),
]);
export type Edit = v.InferOutput<typeof editSchema>;

/**
 * The instruction after some edits, one after the other; the given one stays as it is.
 *
 * @throws {LabError} `bad-instruction` where an edit names a rule that is not there, or the result is not valid.
 */
export function applyEdits(instruction: Instruction, edits: readonly Edit[]): Instruction {
  const rules = edits.reduce(applyEdit, instruction.rules);
  return parseInstruction({ ...instruction, rules });
}

/** An edit as a sentence. */
export function describeEdit(edit: Edit): string {
  switch (edit.kind) {
    case 'add': {
      const { id: name, criterion, when, cap } = edit.rule;
      return `add "${name}" (${criterion}) ${placeText(edit.before)}: when ${conditionText(when)}, at most ${cap}`;
    }
    case 'remove':
      return `remove "${edit.id}"`;
    case 'move':
      return `move "${edit.id}" ${placeText(edit.before)}`;
    case 'change': {
      const { criterion, when, cap, text } = edit.to;
      const parts = [
        criterion === undefined ? '' : `criterion ${criterion}`,
        when === undefined ? '' : `when ${conditionText(when)}`,
        cap === undefined ? '' : `at most ${cap}`,
        text === undefined ? '' : 'its wording',
      ];
      return `change "${edit.id}": ${parts.filter((part) => part !== '').join(', ')}`;
    }
    default:
      return edit satisfies never;
  }
}

function applyEdit(rules: Rule[], edit: Edit): Rule[] {
  switch (edit.kind) {
    case 'add':
      return rules.toSpliced(indexBefore(rules, edit.before), 0, edit.rule);
    case 'remove':
      return rules.toSpliced(indexOf(rules, edit.id), 1);
    case 'move': {
      const from = indexOf(rules, edit.id);
      const others = rules.toSpliced(from, 1);
      return others.toSpliced(indexBefore(others, edit.before), 0, ...rules.slice(from, from + 1));
    }
    case 'change':
      indexOf(rules, edit.id);
      return rules.map((rule) => (rule.id === edit.id ? changed(rule, edit.to) : rule));
    default:
      return edit satisfies never;
  }
}

// A key that is there but undefined changes nothing.
function changed(rule: Rule, to: Extract<Edit, { kind: 'change' }>['to']): Rule {
  return {
    ...rule,
    criterion: to.criterion ?? rule.criterion,
    when: to.when ?? rule.when,
    cap: to.cap ?? rule.cap,
    text: to.text ?? rule.text,
  };
}

function indexBefore(rules: readonly Rule[], next: string | undefined): number {
  return next === undefined ? rules.length : indexOf(rules, next);
}

function indexOf(rules: readonly Rule[], name: string): number {
  const index = rules.findIndex((rule) => rule.id === name);
  if (index === -1) {
    throw new LabError('bad-instruction', {
      message: `An edit names the rule "${name}", which is not there.`,
      expected: rules.map((rule) => rule.id).join(', '),
      got: name,
    });
  }
  return index;
}

function placeText(next: string | undefined): string {
  return next === undefined ? 'at the end' : `before "${next}"`;
}
