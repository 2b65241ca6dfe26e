import { basename, dirname, extname, resolve } from 'node:path';
import type { Problem } from '../problem/problem.ts';
import type { RawScript } from '../rules/load.ts';
import type { Catalogue } from './catalogue.ts';
import { fieldHint, unknownField } from './field-names.ts';
import { fieldOf, type Goal } from './goal.ts';
import { openToOthers, readScript, sha256Of, type Who } from './script-file.ts';
import { readScriptLines } from './script-lines.ts';
import type { Script } from './script.ts';
import { teller, type Tell } from './tell.ts';

const languages = { '.stp': 'systemtap', '.bt': 'bpftrace' } as const;
/** Part of a kernel module's name, which has at most 55 bytes. */
const longestId = 32;

/** Scripts become goals beside the others. Every mistake of every script is told; a wrong one is no goal, and its rules cannot be looked at. */
export function resolveScripts(
  raw: readonly RawScript[],
  own: Catalogue,
  { library, who }: { readonly library: string; readonly who: Who },
): { readonly catalogue: Catalogue; readonly wrong: ReadonlySet<string>; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const all = new Map(own);
  const bad = new Set<string>();
  for (const script of raw) {
    const before = problems.length;
    const tell = teller(script, problems);
    checkId(script, all, own, tell);
    const goal = resolveScript(script, library, who, tell, problems);
    const wrong = !script.whole || problems.slice(before).some(({ severity }) => severity === 'error');
    if (goal !== undefined && !wrong) all.set(goal.id, goal);
    else if (!all.has(script.id)) bad.add(script.id);
  }
  return { catalogue: new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1))), wrong: bad, problems };
}

function checkId({ id, path }: RawScript, all: Catalogue, own: Catalogue, tell: Tell): void {
  if (id.length > longestId || !/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/.test(id) || id.startsWith('tapline.'))
    tell.errorAt(
      'SCRIPT_BAD_NAME',
      `"${id}" cannot be the name of a goal.`,
      path,
      `Small letters, digits and _, in words divided by dots, at most ${longestId}; not tapline.*.`,
      'key',
    );
  else if (all.has(id))
    tell.errorAt(
      'SCRIPT_BAD_NAME',
      own.has(id) ? `${id} is a goal of Tapline's own.` : `There is a script "${id}" already.`,
      path,
      'Give it another name.',
      'key',
    );
}

function resolveScript(raw: RawScript, library: string, who: Who, tell: Tell, problems: Problem[]): Goal | undefined {
  const { source, path, body, whole, id } = raw;
  if (body.script === undefined) return undefined;
  const file = resolve(dirname(source.file), body.script);
  const place = source.place([...path, 'script']);
  const extension = extname(file);
  const language = extension === '.stp' || extension === '.bt' ? languages[extension] : undefined;
  if (language === undefined)
    tell.error('SCRIPT_BAD_FILE', `${basename(file)} ends neither in .stp (SystemTap) nor in .bt (bpftrace).`, ['script']);
  const text = readScript(file, place);
  problems.push(...text.problems);
  if (text.ok) checkTrust(raw, file, text.value, who, tell, problems);
  const from = basename(file);
  const lines = readScriptLines(raw, from, tell);
  if (language !== undefined) checkOptions(raw, language, lines?.timed === true, tell);
  if (lines === undefined || !text.ok || language === undefined) return undefined;
  const script: Script = {
    file,
    language,
    text: text.value,
    args: (body.args ?? []).map(String),
    lines: lines.lines,
    ignore: lines.ignore,
    clock: lines.timed ? (body.clock ?? 'wall') : 'none',
    needsDebuginfo: body.needs_debuginfo === true,
    stap: {
      guru: body.stap_options?.guru === true,
      suppressHandlerErrors: body.stap_options?.suppress_handler_errors === true,
      skipBadvars: body.stap_options?.skip_badvars === true,
      ...(body.stap_options?.compatible !== undefined && { compatible: body.stap_options.compatible }),
      ...(body.stap_options?.buffer_mb !== undefined && { bufferMb: body.stap_options.buffer_mb }),
      define: body.stap_options?.define ?? {},
    },
    bpftrace: {
      unsafe: body.bpftrace_options?.unsafe === true,
      ...(body.bpftrace_options?.string_bytes !== undefined && { stringBytes: body.bpftrace_options.string_bytes }),
      ...(body.bpftrace_options?.map_entries !== undefined && { mapEntries: body.bpftrace_options.map_entries }),
    },
    library,
  };
  const goal: Goal = {
    id,
    title: body.title ?? `What ${from} prints`,
    description: body.description ?? `The lines of the script ${file}, which is run unchanged.`,
    symptoms: body.symptoms ?? [],
    cost: body.cost ?? `What ${from} itself costs; Tapline cannot know it.`,
    fields: lines.fields,
    key: [],
    engines: {
      [language]: { fidelity: 'event', unknown: [], push: [], limits: `${script.needsDebuginfo ? needsDebuginfo : ''}${limits}` },
    },
    cannot: {},
    parameters: [],
    script,
  };
  const named = body.key ?? lines.fields.filter(({ type }) => type !== 'int' && type !== 'bool').map(({ name }) => name);
  if (whole)
    named.forEach((name, i) => {
      if (fieldOf(goal, name) === undefined) tell.error('RULE_UNKNOWN_FIELD', unknownField(goal, name), ['key', i], fieldHint(goal));
    });
  return { ...goal, key: ['host', ...named.filter((name) => name !== 'host')] };
}

const needsDebuginfo = "It needs the kernel's debug information (tapline doctor says which package has it). ";
const limits =
  'Its lines have no numbers: what was lost before Tapline read them is known only as far as the transport says so, and their time is the time of reading unless they hold one.';

function checkTrust({ source, path, body }: RawScript, file: string, text: string, who: Who, tell: Tell, problems: Problem[]): void {
  const hash = sha256Of(text);
  if (body.trusted !== true)
    tell.error(
      'SCRIPT_NOT_TRUSTED',
      `${basename(file)} would run in the kernel, and nothing here says that you trust it.`,
      body.trusted === false ? ['trusted'] : ['script'],
      'Read it first. Then write: trusted: true',
    );
  if (body.sha256 !== undefined && body.sha256 !== hash)
    tell.error('SCRIPT_CHANGED', `${basename(file)} is not the script that was trusted: its hash is ${hash}.`, ['sha256']);
  if (body.trusted !== true) return;
  for (const each of [file, source.file]) {
    const open = openToOthers(each, who, source.place([...path, each === file ? 'script' : 'trusted']));
    if (open !== undefined) problems.push(open);
  }
}

function checkOptions({ body }: RawScript, language: Script['language'], timed: boolean, tell: Tell): void {
  const other = language === 'systemtap' ? 'bpftrace_options' : 'stap_options';
  if (body[other] !== undefined) tell.errorAtKey('SCRIPT_BAD_OPTION', `\`${other}\` does not go with a script for ${language}.`, [other]);
  if (language === 'bpftrace' && body.needs_debuginfo === true)
    tell.errorAtKey('SCRIPT_BAD_OPTION', 'bpftrace takes no debug information; it has BTF.', ['needs_debuginfo']);
  if (body.clock !== undefined && !timed)
    tell.errorAtKey(
      'SCRIPT_BAD_OPTION',
      '`clock` says what a time counts from, but no value of its lines is a time.',
      ['clock'],
      '{at:time_ns}',
    );
}
