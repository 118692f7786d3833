/**
 * Typed edits of an instruction. They name rules by id, and positions by the id of the next rule, so that an edit keeps
 * its meaning after other edits.
 */
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import { conditionText } from './instruction-text.ts';
import { conditionSchema, type Instruction, parseInstruction, type Rule, ruleSchema } from './instruction.ts';
import { CRITERIA } from '../pair/vocabulary.ts';

const id = v.pipe(v.string(), v.nonEmpty());
/** The rule that it goes before; at the end if absent. */
const before = v.optional(id);

/** One edit, strictly: unknown keys are errors. */
export const editSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('add'), rule: ruleSchema, before }),
  v.strictObject({ kind: v.literal('remove'), id }),
  v.strictObject({ kind: v.literal('move'), id, before }),
  v.strictObject({
    kind: v.literal('change'),
    id,
    /** The new values of the keys that change. */
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
 * The instruction after a sequence of edits. The given instruction does not change.
 *
 * @throws {LabError} `bad-instruction` if an edit names an unknown rule, or the result is not valid.
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

// An undefined value leaves its key unchanged.
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
      message: `An edit names the rule "${name}", which does not exist.`,
      expected: rules.map((rule) => rule.id).join(', '),
      got: name,
    });
  }
  return index;
}

function placeText(next: string | undefined): string {
  return next === undefined ? 'at the end' : `before "${next}"`;
}
