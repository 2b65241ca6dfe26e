import { readFileSync, statSync } from 'node:fs';
import { textOf } from '../../../goals/text.ts';
import type { EngineHost } from '../../engine.ts';
import { readOrGone, readProcesses, tickMs, uidOf, type ProcessStat } from '../processes.ts';
import type { ReaderKind } from '../reader.ts';
import { comparing, type Told } from './comparing.ts';

/** Bytes of arguments that are told, as by the other engines. */
const mostArguments = 4096;

/** A process with what cannot be asked any more when it has ended. */
export interface Known extends ProcessStat {
  readonly uid: number | undefined;
  readonly netns: number | undefined;
  /** Its arguments, a NUL behind each. */
  readonly cmdline: Uint8Array;
}
export type Look = ReadonlyMap<string, Known>;

/** One that still runs the same program under the same name keeps what was read of it: a look reads one file a process. */
export function look(host: EngineHost, before: Look): Look {
  const { proc } = host;
  return new Map(
    [...readProcesses(host)].map(([key, stat]) => {
      const last = before.get(key);
      if (last?.comm === stat.comm && last.layout === stat.layout)
        return [key, { ...stat, uid: last.uid, netns: last.netns, cmdline: last.cmdline }];
      const cmdline = readOrGone(() => readFileSync(`${proc}/${stat.pid}/cmdline`)) ?? new Uint8Array();
      const netns = readOrGone(() => statSync(`${proc}/${stat.pid}/ns/net`).ino);
      return [key, { ...stat, uid: uidOf(host, stat.pid), netns, cmdline }];
    }),
  );
}

/**
 * Programs that began to run between two looks. A process that forks keeps where its stack and arguments lie, a new program
 * gets a place of its own: one at a place that nobody had before runs a new program, and of several there the eldest.
 * Where the places are not for this user to see, a new process with arguments that nobody had before is told.
 */
export function begun(before: Look, now: Look): readonly Known[] {
  const places = new Set([...before.values()].map(({ layout }) => layout));
  const words = new Set([...before.values()].map(({ cmdline }) => Buffer.from(cmdline).toString('latin1')));
  const eldest = [...now].sort(([, a], [, b]) => Number(a.started) - Number(b.started) || a.pid - b.pid);
  return eldest.flatMap(([key, process]) => {
    const line = Buffer.from(process.cmdline).toString('latin1');
    // Threads of the kernel have no arguments; neither has a process that has ended.
    if (line === '' || process.state === 'Z') return [];
    const isNew = process.layout === '' ? !before.has(key) && !words.has(line) : !places.has(process.layout);
    if (process.layout === '') words.add(line);
    else places.add(process.layout);
    return isNew ? [process] : [];
  });
}

/** Processes that have ended between two looks: those that are gone, and those whose parent has not asked yet. */
export const ended = (before: Look, now: Look): readonly Known[] =>
  [...before].flatMap(([key, process]) => {
    const after = now.get(key);
    if (process.state === 'Z') return [];
    return after === undefined ? [process] : after.state === 'Z' ? [{ ...process, state: 'Z', status: after.status }] : [];
  });

const whose = ({ pid, parent, comm, uid, netns }: Known) => ({
  pid,
  ppid: parent,
  comm,
  ...(uid !== undefined && { uid }),
  ...(netns !== undefined && { netns }),
});

export function argumentsOf(cmdline: Uint8Array): { readonly args: string; readonly args_cut: boolean } {
  const end = cmdline.at(-1) === 0 ? cmdline.length - 1 : cmdline.length;
  const told = Uint8Array.from(cmdline.subarray(0, Math.min(end, mostArguments)), (byte) => (byte === 0 ? 0x20 : byte));
  return { args: textOf(told), args_cut: end > mostArguments };
}

export const programsReader = processes('programs', 'process.exec', (before, now) =>
  begun(before, now).map((process) => ({ values: { ...whose(process), file_cut: false, ...argumentsOf(process.cmdline) } })),
);

export const endsReader = processes('ends', 'process.exit', (before, now, host) => {
  const upMs = Number(readFileSync(`${host.proc}/uptime`, 'latin1').split(' ')[0]) * 1000;
  return ended(before, now).map((process) => {
    const lifetime_ms = Math.max(0, Math.round(upMs - Number(process.started) * tickMs));
    const known = process.state === 'Z' && process.layout !== '';
    const how = { code: (process.status >> 8) & 255, signal: process.status & 127, core: (process.status & 128) !== 0 };
    return { values: { ...whose(process), ...(known && how), lifetime_ms } };
  });
});

/** A process without a user id was gone before it could be asked: it cannot be told. */
function processes(name: string, goal: string, compare: (before: Look, now: Look, host: EngineHost) => readonly Told[]): ReaderKind {
  return {
    ...comparing<Look>({ name, goal, looksAt: 'the processes', read: (host) => look(host, new Map()), compare: () => [] }),
    open(modules, host, options, signal) {
      let last: Look = new Map();
      return comparing<Look>({
        name,
        goal,
        looksAt: 'the processes',
        read: () => (last = look(host, last)),
        compare: (before, now) => compare(before, now, host).filter(({ values }) => 'uid' in values),
      }).open(modules, host, options, signal);
    },
  };
}
