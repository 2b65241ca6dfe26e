// The modules that bench/probes.mjs compares: one goal, with and without a part of its condition decided in the kernel.
import { generateModule } from '../dist/generate/generate.js';
import { parseWhere } from '../dist/rules/cel.js';

/** `compared`: by what is said of each; `own`: sends the records of the program that the bench starts, and no others. */
export function benchModules(goal, engine, facts) {
  const moduleFor = (where, pushdown) => {
    const tree = parseWhere(where).tree;
    const place = { file: '', line: 1, column: 1 };
    const rule = { kind: 'forward', name: 'bench', group: 'bench', goal: goal.id, by: [], labels: {}, to: [], place };
    return generateModule({ goal, rules: [{ ...rule, where: { text: where, tree } }], engine, facts, pushdown }).value;
  };
  const nobody = 'comm == "nobody-at-all"';
  return {
    compared: {
      'rejected in the kernel, by name': moduleFor(nobody, true),
      'rejected in the kernel, by path': moduleFor('path.startsWith("/etc/")', true),
      'push-down off: every call is a record': moduleFor(nobody, false),
    },
    own: moduleFor('comm == "tl-bench"', true),
  };
}
