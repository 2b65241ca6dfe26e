// The cases of test/conformance that an engine is asked. CONFORMANCE: only those whose "goal: title" has one of these in it, divided by commas.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What CONFORMANCE was when the job was made. */
export const only = process.env.CONFORMANCE ?? (existsSync('/job/only') ? readFileSync('/job/only', 'utf8') : '');

/** `asked`: a list of cases for each file; `left`: those not asked, and why. The last argument is test/lab/conformance.ts. */
export async function casesFor(folder, goals, engine, { notAsked, nameOf }) {
  const files = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  const groups = await Promise.all(files.map((name) => import(join(folder, name))));
  const wanted = groups.map(({ cases }) => cases.filter((item) => only.split(',').some((part) => nameOf(item).includes(part))));
  const why = (item) => notAsked(item, goals.get(item.goal), engine);
  return {
    asked: wanted.map((cases) => cases.filter((item) => why(item) === undefined)).filter((cases) => cases.length > 0),
    left: wanted.flat().flatMap((item) => (why(item) === undefined ? [] : [{ item, why: why(item) }])),
  };
}
