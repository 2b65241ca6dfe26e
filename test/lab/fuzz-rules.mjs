// Random rules over all goals, every string in them a token of its own, and the modules made of them.
import fc from 'fast-check';

/** What no module may contain outside of a typed literal. */
export const token = /Zq\d+q/;
const node = (expression) => ({ start: 0, end: 0, ...expression });
const hostile = [
  '',
  '" ',
  '"; system("id") ',
  '*/ ',
  '\n} BEGIN { exit() } ',
  '\\',
  '%s',
  '{{filter}}',
  '$(id) ',
  '\u2028',
  '\udc80',
  '%{ ',
  '@x ',
];

const networks = ['10.0.0.0/8', '192.0.2.1/32', '0.0.0.0/0', '::/0', '2001:db8::/33', 'fe80::/10'];

/** `count` rule sets, each on one goal: {goal, rules, strings}. `seed` decides all. */
export function randomRules(goals, count, seed) {
  let number = 0;
  let strings = [];
  /** A new token, mostly with something around it that would be source where source is wanted. */
  const text = (dressing) => {
    const made = `${hostile[dressing % hostile.length]}Zq${number++}q${hostile[Math.floor(dressing / hostile.length) % hostile.length]}`;
    strings.push(made);
    return made;
  };
  // fast-check draws numbers; the tokens are made when a draw is turned into rules, so that each is new.
  const draws = fc.sample(fc.array(fc.nat({ max: 1_000_000 }), { minLength: 60, maxLength: 60 }), { numRuns: count, seed });
  return draws.map((draw) => {
    let at = 0;
    strings = [];
    const next = () => draw[at++ % draw.length] + at;
    const pick = (from) => from[next() % from.length];
    const words = () => text(next() % 3 === 0 ? 0 : next());
    const goal = pick(goals);
    const asked = goal.parameters.length > 0 && next() % 2 === 0 ? askedFor(goal, next, pick) : undefined;
    const field = (name) => node({ op: 'field', name });
    const literal = (type, value) => node({ op: 'literal', type, value });
    const value = ({ type, values = [] }) => {
      if (type === 'int') return literal('int', (next() % 70_000) - 5);
      if (type === 'bool') return literal('bool', next() % 2 === 0);
      if (type === 'enum') return literal('text', pick(values));
      return literal('text', type === 'address' ? pick(['198.18.0.2', '2001:db8::1', '::ffff:10.0.0.1']) : words());
    };
    const comparison = () => {
      const each = pick(goal.fields);
      const equality = each.type === 'int' ? ['==', '!=', '<', '<=', '>', '>='] : ['==', '!='];
      if (each.type === 'text' && next() % 3 === 0)
        return node({ op: pick(['startsWith', 'endsWith', 'contains']), text: field(each.name), part: value(each) });
      if (each.type !== 'bool' && next() % 5 === 0)
        return node({ op: 'in', left: field(each.name), right: node({ op: 'list', items: [value(each), value(each)] }) });
      if (each.type === 'address' && next() % 3 === 0)
        return node({ op: 'containsIP', network: literal('text', pick(networks)), address: field(each.name) });
      if (each.optional && next() % 5 === 0) return node({ op: 'known', name: each.name });
      return node({ op: pick(equality), left: field(each.name), right: value(each) });
    };
    const tree = (depth) => {
      const kind = depth === 0 ? 0 : next() % 4;
      if (kind === 0) return comparison();
      if (kind === 1) return node({ op: 'not', of: tree(depth - 1) });
      return node({ op: kind === 2 ? 'and' : 'or', left: tree(depth - 1), right: tree(depth - 1) });
    };
    const rules = Array.from({ length: 1 + (next() % 3) }, () => ({
      kind: 'forward',
      name: words(),
      group: words(),
      goal: goal.id,
      by: [],
      labels: { [words()]: words() },
      to: [words()],
      place: { file: words(), line: 1, column: 1 },
      ...(asked && { with: asked }),
      ...(next() % 12 !== 0 && { where: { text: words(), tree: tree(3) } }),
    }));
    return { goal: asked ? { ...goal, asked } : goal, rules, strings };
  });
}

function askedFor(goal, next, pick) {
  const values = goal.parameters.map(({ name, type, values: members, min = 0, max = 1_000_000 }) => [
    name,
    type === 'enum' ? pick(members) : min + (next() % (max - min + 1)),
  ]);
  return { text: values.map(([name, value]) => `${name}=${value}`).join(' '), values: new Map(values) };
}

/**
 * The modules of an engine for these rules, those of other engines left out. Throws where one cannot be made, or has a token
 * outside of a literal, or a literal in which a token stands with anything that is not plain text of a condition.
 */
export function modulesOf(sets, engine, facts, generateModule) {
  const modules = [];
  for (const { goal, rules, strings } of sets) {
    if (goal.engines[engine] === undefined) continue;
    const made = generateModule({ goal, rules, engine, facts, pushdown: true });
    // A system call that this kernel does not have, picked as a parameter.
    if (!made.ok && made.problems.every(({ code }) => code === 'ENGINE_TRACEPOINT_MISSING')) continue;
    if (!made.ok) throw new Error(JSON.stringify(made.problems));
    const { source } = made.value;
    const allowed = new Set(strings);
    const bare = source.replace(/"((?:[^"\\\n]|\\.)*)"/g, (whole, inside) => {
      const escaped = token.test(inside) && (!allowed.has(inside) || /["\\%{}\n$]/.test(inside));
      if (escaped) throw new Error(`not a literal of a condition: ${whole}`);
      return '""';
    });
    if (token.test(bare)) throw new Error(`outside of a literal:\n${bare.split('\n').find((line) => token.test(line))}\n${source}`);
    modules.push(made.value);
  }
  return modules;
}

/** At most `count` modules with different sources, those of every goal in turn. */
export function different(modules, count) {
  const byGoal = new Map();
  for (const module of new Map(modules.map((each) => [each.id, each])).values())
    byGoal.set(module.goal.id, [...(byGoal.get(module.goal.id) ?? []), module]);
  const taken = [];
  for (let i = 0; taken.length < count && [...byGoal.values()].some((own) => i < own.length); i++)
    for (const own of byGoal.values()) if (i < own.length && taken.length < count) taken.push(own[i]);
  return taken;
}
