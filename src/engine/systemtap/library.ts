import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Module } from '../../generate/module.ts';
import { systemtapCompanion } from '../../generate/script.ts';

export interface LibraryFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Those files of the tapset beside the goals' folders that a module needs: they define a function or macro that its source, or
 * another such file, names. A module is compiled with these alone, so a change elsewhere in the tapset leaves it as it is.
 */
export function libraryOf(module: Module): LibraryFile[] {
  const { script, folder: own = '.' } = module.goal;
  const folder = script?.library ?? join(own, '..', 'lib');
  const others = readdirSync(folder)
    .filter((name) => /\.stpm?$/.test(name))
    .sort()
    .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
  const needed: LibraryFile[] = [];
  const words = new Set<string>();
  const read = (text: string) => [...text.matchAll(/\w+/g)].forEach(([word]) => words.add(word));
  // A user's script has no part in it; its companion has.
  read(script === undefined ? module.source : systemtapCompanion);
  for (let more = true; more;) {
    more = false;
    for (const [at, file] of others.entries()) {
      if (!defined(file.text).some((name) => words.has(name))) continue;
      others.splice(at, 1);
      needed.push(file);
      read(file.text);
      more = true;
      break;
    }
  }
  return needed.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const defined = (text: string): string[] =>
  [...text.matchAll(/^\s*(?:private\s+)?(?:function|@define)\s+(\w+)/gm)].map((match) => match[1] ?? '');
