import { error, type Problem } from '../problem/problem.ts';
import type { Path, Source } from './source.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface WithVariables {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** What came from the environment; it must not be shown. */
  readonly put: readonly { readonly value: string; readonly written: string }[];
}

const variable = /\$(?:\$|\{([^}]*)\}|\{)/g;
const inside = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/;

/**
 * Puts `${VAR}`, `${VAR:-default}` and `$$` into all texts below `at`, after YAML was read: a value can add no key and no other
 * type. A variable that is empty counts as unset, as in a shell's `:-`. A `$` before anything else is itself.
 */
export function putVariables(source: Source, value: unknown, at: Path, env: Env): WithVariables {
  const problems: Problem[] = [];
  const put: { value: string; written: string }[] = [];
  const walk = (node: unknown, path: Path): unknown => {
    if (typeof node === 'string') return text(node, path);
    if (Array.isArray(node)) return node.map((item, i) => walk(item, [...path, i]));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  const text = (node: string, path: Path): string =>
    node.replace(variable, (written: string, body: string | undefined, start: number) => {
      if (written === '$$') return '$';
      const place = () => source.within(path, start, start + written.length);
      const [, name, otherwise] = (body === undefined ? null : inside.exec(body)) ?? [];
      if (name === undefined) {
        problems.push(
          error('CONFIG_BAD_VARIABLE', body === undefined ? '"${" is never closed.' : `"${written}" is no variable.`, {
            place: place(),
            hint: 'Write ${NAME} or ${NAME:-default}; a dollar sign itself is $$.',
          }),
        );
        return written;
      }
      const found = env[name];
      if (found !== undefined && found !== '') {
        put.push({ value: found, written });
        return found;
      }
      if (otherwise !== undefined) return otherwise;
      problems.push(
        error('CONFIG_UNSET_VARIABLE', `The environment variable ${name} is ${found === undefined ? 'not set' : 'empty'}.`, {
          place: place(),
          hint: `Set it before starting Tapline, or give a default: \${${name}:-default}.`,
        }),
      );
      return written;
    });
  return { value: walk(value, at), problems, put };
}

/** The problem without what came from the environment. */
export function withoutSecrets(problem: Problem, put: WithVariables['put']): Problem {
  const clean = (text: string) => put.reduce((shown, { value, written }) => shown.replaceAll(value, () => written), text);
  return {
    ...problem,
    message: clean(problem.message),
    ...(problem.hint !== undefined && { hint: clean(problem.hint) }),
    ...(problem.cause !== undefined && { cause: clean(problem.cause) }),
  };
}
