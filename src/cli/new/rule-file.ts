import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Document, isMap, isNode, isScalar, isSeq, parseDocument, visit, type YAMLMap, type YAMLSeq } from 'yaml';
import { error, fail, ok, type Result } from '../../problem/problem.ts';

/** A rule as a person would write it: keys in the order in which they are to stand. */
export type WrittenRule = Readonly<Record<string, unknown>>;

/** The text of a file of rules; undefined where there is none. Other failures are the caller's to tell. */
export function readRuleFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

/**
 * The file with the rule at the end of its group (by name; else its first group). What stands in the file already is kept to the
 * byte where its lists are written one item a line, and in content and comments anywhere. A group that is not there is added, and
 * a file that is not there begun. Pure.
 */
export function withRule(text: string | undefined, rule: WrittenRule, group: string | undefined): Result<string> {
  if (text === undefined || text.trim() === '') {
    const [first = '', ...more] = ruleText(rule).trimEnd().split('\n');
    const lines = [
      'groups:',
      `  - ${ruleText({ name: group ?? 'own' }).trimEnd()}`,
      '    rules:',
      `      - ${first}`,
      ...more.map((line) => `        ${line}`),
    ];
    return ok(`${lines.join('\n')}\n`);
  }
  const document = parseDocument(text);
  const groups = document.errors.length > 0 || !isMap(document.contents) ? undefined : document.get('groups');
  if (!isSeq(groups))
    return fail(
      error('RUN_FILE', 'The file is no file of rules, so nothing was added to it.', {
        hint: 'tapline validate FILE says what is wrong with it.',
      }),
    );
  const found = groups.items.find((each): each is YAMLMap => isMap(each) && (group === undefined || each.get('name') === group));
  const added = found === undefined ? { name: group ?? 'own', rules: [rule] } : rule;
  const list = found === undefined ? groups : found.get('rules');
  if (!isSeq(list)) return fail(error('RUN_FILE', 'The group has no list of `rules`, so nothing was added to it.'));
  const spliced = splice(text, list, added);
  list.flow = false;
  list.add(document.createNode(added));
  const whole = document.toString({ lineWidth: 0 });
  // The text with the lines put in has to mean what the document means; where it does not, the document is written out anew.
  return ok(spliced !== undefined && sameMeaning(spliced, whole) ? spliced : whole);
}

/** The text with one more item after the last one of a list that has its items each on lines of their own; undefined for any other list. */
function splice(text: string, list: YAMLSeq, item: WrittenRule): string | undefined {
  const [first, last] = [list.items[0], list.items.at(-1)];
  if (list.flow === true || !isNode(first) || !isNode(last) || !first.range || !last.range) return undefined;
  const line = text.slice(text.lastIndexOf('\n', first.range[0]) + 1, first.range[0]);
  const indent = /^( *)- +$/.exec(line)?.[1];
  if (indent === undefined) return undefined;
  const before = text.slice(0, last.range[1]).trimEnd();
  const end = text.indexOf('\n', before.length);
  const head = end < 0 ? text : text.slice(0, end);
  const lines = ruleText(item).trimEnd().split('\n');
  const put = lines.map((each, i) => (each === '' ? '' : `${indent}${i === 0 ? '- ' : '  '}${each}`));
  return `${head}\n\n${put.join('\n')}\n${end < 0 ? '' : text.slice(end + 1)}`;
}

/** Lists and small maps stand on one line, as in the shipped rules. */
function ruleText(rule: WrittenRule): string {
  const document = new Document(rule);
  visit(document, {
    Pair: (_, { key, value }) => {
      const name = isScalar(key) ? key.value : undefined;
      if ((isSeq(value) || isMap(value)) && name !== 'rules' && name !== 'annotations') value.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, singleQuote: true }).replace(/\[ (.*) \]$/gm, '[$1]');
}

function sameMeaning(one: string, other: string): boolean {
  const [a, b] = [parseDocument(one), parseDocument(other)];
  return a.errors.length === 0 && JSON.stringify(a.toJS()) === JSON.stringify(b.toJS());
}

/** Writes what `withRule` made, unless somebody else has written the file since `before` was read. A file that was not there is never overwritten. */
export function writeRuleFile(file: string, before: string | undefined, after: string): Result<void> {
  try {
    mkdirSync(dirname(file), { recursive: true });
    if (before === undefined) {
      writeFileSync(file, after, { flag: 'wx' });
      return ok(undefined);
    }
    if (readRuleFile(file) !== before)
      return fail(error('RUN_FILE', `${file} was changed meanwhile; nothing was written.`, { hint: 'Run it again.' }));
    const beside = `${file}.${randomBytes(4).toString('hex')}`;
    try {
      writeFileSync(beside, after, { flag: 'wx', mode: statSync(file).mode });
      renameSync(beside, file);
    } finally {
      rmSync(beside, { force: true });
    }
    return ok(undefined);
  } catch (cause) {
    return fail(error('RUN_FILE', `${file} cannot be written.`, { cause: String(cause) }));
  }
}
