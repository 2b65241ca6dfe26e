import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import { error, fail, ok, type Result } from '../problem/problem.ts';
import type { Functions } from './dialect.ts';
import type { HostFacts } from './module.ts';

/** The template of a goal for an engine, from its folder; a line `{{include NAME}}` in it stands for lib/NAME.bt beside the goals. */
export function readTemplate(goal: Goal, engine: EngineName): Result<string> {
  const name = goal.engines[engine]?.template;
  if (goal.folder === undefined || name === undefined)
    return fail(error('ENGINE_TEMPLATE_WRONG', `${goal.id} has no template for ${engine}.`));
  try {
    const parts = join(goal.folder, '..', 'lib');
    const template = readFileSync(join(goal.folder, name), 'utf8');
    return ok(template.replace(/^\{\{include ([a-z]+)\}\}\n/gm, (_, part: string) => readFileSync(join(parts, `${part}.bt`), 'utf8')));
  } catch (cause) {
    return fail(error('ENGINE_TEMPLATE_WRONG', `The template of ${goal.id} for ${engine} cannot be read.`, { cause: String(cause) }));
  }
}

/**
 * Fills a template: `{{name}}` by the placeholder of that name; `{{field TRACEPOINT NAME else TEXT}}` by `args->NAME` where this
 * kernel's tracepoint has that field, else by TEXT (no braces); lines between `{{#tracepoint A, B}}` and `{{/tracepoint}}` stay only
 * where this kernel has all of these, between `{{^tracepoint A, B}}` and `{{/tracepoint}}` only where it lacks one; `{{NAME REST}}`
 * by a function of that name; lines between `{{#tests FIELD}}` or `{{^tests FIELD}}` and `{{/tests}}` stay only where the filter tests
 * that field, or does not. An unknown placeholder, and one of `required` that is not used, is a mistake in the template.
 */
export function fillTemplate(
  template: string,
  values: {
    readonly required: Readonly<Record<string, string>>;
    readonly allowed: Readonly<Record<string, string>>;
    readonly functions?: Functions;
  },
  tracepoints: HostFacts['tracepoints'],
  tested: readonly string[] = [],
): Result<string> {
  const wrong: string[] = [];
  const unused = new Set(Object.keys(values.required));
  const has = { tracepoint: (name: string) => tracepoints.has(name), tests: (name: string) => tested.includes(name) };
  const chosen = template.replace(
    /^\{\{([#^])(tracepoint|tests) ([^}]*)\}\}\n([\s\S]*?)^\{\{\/\2\}\}\n/gm,
    (_, sign: string, what: keyof typeof has, names: string, body: string) =>
      names.split(',').every((name) => has[what](name.trim())) === (sign === '#') ? body : '',
  );
  const source = chosen.replace(/\{\{([^}]*)\}\}/g, (whole, inner: string) => {
    const field = /^field (\S+) (\w+) else ([^{}]*)$/.exec(inner);
    if (field) return tracepoints.get(field[1] ?? '')?.has(field[2] ?? '') ? `args->${field[2]}` : (field[3] ?? '');
    unused.delete(inner);
    const [called = '', ...rest] = inner.split(' ');
    const { functions = {} } = values;
    const made = rest.length > 0 && Object.hasOwn(functions, called) ? functions[called]?.(rest.join(' ')) : undefined;
    if (made !== undefined) return made;
    const value = Object.hasOwn(values.required, inner)
      ? values.required[inner]
      : Object.hasOwn(values.allowed, inner)
        ? values.allowed[inner]
        : undefined;
    if (value === undefined) wrong.push(`unknown placeholder ${whole}`);
    return value ?? '';
  });
  for (const name of unused) wrong.push(`placeholder {{${name}}} is not used`);
  return wrong.length === 0 ? ok(source) : fail(...wrong.map((what) => error('ENGINE_TEMPLATE_WRONG', `The template is wrong: ${what}.`)));
}
