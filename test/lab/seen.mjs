// docs/reference/seen.md: which goal was seen on which engine. The runs that saw it write it; each its own engine's column.
//   seen.mjs RESULTS.json      merges what a run elsewhere (the VM) brought back
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue } from '../kernel/catalogue.mjs';

const root = join(import.meta.dirname, '../..');
const file = join(root, 'docs/reference/seen.md');
const engines = ['systemtap', 'bpftrace', 'current bpftrace', 'procfs'];
const escaped = (text) => text.replace(/\s+/g, ' ').replaceAll('|', '\\|');

/** The page as it stands: goal -> engine -> cell, and what each engine's column was seen on. */
export function readSeen(text = existsSync(file) ? readFileSync(file, 'utf8') : '') {
  const cells = new Map();
  const places = new Map();
  for (const line of text.split('\n')) {
    const row = /^\| `([a-z_.]+)` \| (.*) \|$/.exec(line);
    const columns = row?.[2].split(/(?<!\\) \| /);
    if (row) cells.set(row[1], Object.fromEntries(engines.map((engine, i) => [engine, columns[i]?.trim() ?? ''])));
    const place = /^- (systemtap|bpftrace|current bpftrace|procfs): (.*)$/.exec(line);
    if (place) places.set(place[1], place[2]);
  }
  return { cells, places };
}

/** What the manifest alone says of an engine, or nothing where it has to be seen. */
export function cellOfManifest(goal, column) {
  const engine = column.replace('current ', '');
  if (goal.engines[engine] !== undefined) return undefined;
  const why = goal.cannot[engine];
  if (why === undefined) return '-';
  return column === engine ? escaped(`cannot: ${why}`) : 'cannot either';
}

/**
 * Writes the page anew. `results`: {engine, place, goal, title, state: seen | failed | skipped, why}; goals of which not all cases
 * ran keep the cell that they have.
 */
export async function writeSeen(results) {
  const { cells, places } = readSeen();
  const cases = await allCases();
  for (const { engine, place } of results) if (place) places.set(engine, escaped(place));
  const rows = catalogue(join(root, 'scripts-stp'))
    .filter((goal) => Object.keys({ ...goal.engines, ...goal.cannot }).length > 0)
    .map((goal) => {
      const titles = cases.filter((each) => each.goal === goal.id).map((each) => each.title);
      const cell = (engine) => {
        const own = results.filter((each) => each.engine === engine && each.goal === goal.id);
        const ran = titles.length > 0 && titles.every((title) => own.some((each) => each.title === title));
        return cellOfManifest(goal, engine) ?? (ran ? cellOf(own) : cells.get(goal.id)?.[engine]) ?? 'not tried';
      };
      return `| \`${goal.id}\` | ${engines.map(cell).join(' | ')} |`;
    });
  writeFileSync(
    file,
    [
      '<!-- Written by the tests that saw it (test/conformance/README.md), not by hand. -->',
      '',
      '# What was seen',
      '',
      'Each goal was provoked for real, and its record compared with what the provoker itself knows: every field that the',
      "manifest states for the engine was there and right. A case is one such event; what an engine cannot see of a goal's cases",
      'stands beside them with the reason.',
      '',
      ...engines.map((engine) => `- ${engine}: ${places.get(engine) ?? 'not tried'}`),
      '',
      `| goal | ${engines.join(' | ')} |`,
      `| --- |${' --- |'.repeat(engines.length)}`,
      ...rows,
      '',
    ].join('\n'),
  );
}

function cellOf(results) {
  const seen = results.filter(({ state }) => state === 'seen').length;
  const failed = results.filter(({ state }) => state === 'failed').map(({ title }) => title);
  const left = [...new Set(results.filter(({ state }) => state === 'skipped').map(({ why }) => why))];
  if (failed.length > 0) return escaped(`failed: ${failed.join('; ')}`);
  if (seen === 0) return escaped(`not seen: ${left.join(' ')}`);
  const rest = left.length === 0 ? '' : `; not all: ${left.join(' ')}`;
  return escaped(`works (${seen} ${seen === 1 ? 'case' : 'cases'}${rest})`);
}

async function allCases() {
  const folder = join(root, 'test/conformance');
  const files = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  return (await Promise.all(files.map((name) => import(join(folder, name))))).flatMap((group) => group.cases);
}

if (process.argv[1] === import.meta.filename) await writeSeen(JSON.parse(readFileSync(process.argv[2], 'utf8')));
