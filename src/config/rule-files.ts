import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { error, warning, type Problem } from '../problem/problem.ts';
import type { Path, Source } from './source.ts';

export interface RuleFiles {
  readonly files: readonly string[];
  readonly problems: readonly Problem[];
}

/** Files that `rules` names, absolute, each once; those of one pattern by name. Tests of rules (*.test.yaml) are left out. */
export function findRuleFiles(source: Source, patterns: readonly string[], at: Path): RuleFiles {
  const files = new Set<string>();
  const problems: Problem[] = [];
  const folder = dirname(source.file);
  patterns.forEach((pattern, i) => {
    const place = source.place([...at, i]);
    const path = resolve(folder, pattern);
    if (!isPattern(pattern)) {
      if (!existsSync(path))
        problems.push(error('CONFIG_FILE_MISSING', `${path} is not there.`, { place, hint: `Paths count from ${folder}.` }));
      else if (statSync(path).isDirectory())
        problems.push(
          error('CONFIG_FILE_IS_DIRECTORY', `${path} is a directory.`, { place, hint: `Name the files in it: ${join(pattern, '*.yaml')}` }),
        );
      else files.add(path);
      return;
    }
    const found = expand(path).filter((file) => !basename(file).endsWith('.test.yaml'));
    if (found.length === 0)
      problems.push(warning('CONFIG_NO_RULE_FILES', `No file fits ${pattern}.`, { place, hint: `Patterns count from ${folder}.` }));
    for (const file of found) files.add(file);
  });
  return { files: [...files], problems };
}

const isPattern = (text: string) => /[*?]/.test(text);

/** Files that fit an absolute pattern; * and ? stand for characters of one name, and not for its leading dot. */
function expand(pattern: string): string[] {
  const [first = '', ...names] = pattern.split('/');
  let found = [first === '' ? '/' : first];
  for (const name of names.filter((part) => part !== '')) {
    if (!isPattern(name)) {
      found = found.map((folder) => join(folder, name)).filter((path) => existsSync(path));
      continue;
    }
    const fits = new RegExp(
      `^${name
        .replace(/[^*?]/g, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
        .replace(/\*/g, '[^]*')
        .replace(/\?/g, '[^]')}$`,
      'u',
    );
    found = found.flatMap((folder) =>
      namesIn(folder)
        .filter((each) => fits.test(each) && (!each.startsWith('.') || name.startsWith('.')))
        .map((each) => join(folder, each)),
    );
  }
  return found.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
