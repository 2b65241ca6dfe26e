// Programs that begin, processes that end, files that are deleted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { nodeComm } from './process/node-comm.mjs';

const netns = () => statSync('/proc/self/ns/net').ino;
const uid = process.getuid();
const bytes = (text) => Buffer.from(text, 'latin1');
/** What a shell makes of printf's escapes; `\xff` is the byte 255, which is no UTF-8. */
const hostile = 'h"\\ \t\n{\xff\x01';
const told = 'h"\\ \t\n{\udcff\x01';

/** A shell that was given a program of its own; resolves when it has ended. */
async function shell(program, ...args) {
  const child = spawn('/bin/sh', ['-c', program, 'sh', ...args], { stdio: 'ignore' });
  const [code, signal] = await once(child, 'exit');
  return { pid: child.pid, code, signal };
}

/** A file that a shell can run, under any name. */
function script(context, name, text = '#!/bin/sh\nexit 0\n') {
  writeFileSync(Buffer.concat([Buffer.from(`${context.scratch}/`), bytes(name)]), text, { mode: 0o755 });
}

const execs = [
  {
    goal: 'process.exec',
    title: 'a script under a hostile name, with hostile arguments and an empty one',
    skip: { procfs: 'It has ended before the next look.' },
    async provoke(context) {
      script(context, hostile);
      const octal = [...bytes(hostile)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
      const { pid } = await shell(`exec "$1/$(printf '${octal}')" "$(printf '${octal}')" '' last`, context.scratch);
      const file = `${context.scratch}/${told}`;
      return {
        expect: [
          {
            netns: netns(),
            pid,
            ppid: process.pid,
            uid,
            comm: told,
            file,
            file_cut: false,
            args: `/bin/sh ${file} ${told}  last`,
            args_cut: false,
          },
        ],
      };
    },
  },
  {
    goal: 'process.exec',
    title: 'a long path and long arguments come whole, longer ones are said to be cut',
    skip: { procfs: 'It has ended before the next look.' },
    async provoke(context) {
      script(context, 'long');
      const file = `${context.scratch}/${'./'.repeat((3800 - context.scratch.length) / 2)}long`;
      const short = await shell('exec "$1"', file);
      const fits = 'é'.repeat(1700);
      const fitting = await shell('exec "$1/long" "$2"', context.scratch, fits);
      const cut = await shell('exec "$1/long" "$2"', context.scratch, 'y'.repeat(9000));
      return {
        expect: [
          { pid: short.pid, comm: 'long', file, file_cut: false },
          { pid: fitting.pid, args: `/bin/sh ${context.scratch}/long ${fits}`, args_cut: false },
          { pid: cut.pid, comm: 'long', args: (text) => /y{3700,4100}$/.test(text), args_cut: true },
        ],
      };
    },
  },
  {
    goal: 'process.exec',
    title: 'a program that goes on, in the place of a shell',
    async provoke(context) {
      const child = spawn('/bin/sh', ['-c', 'sleep 1; exec sleep 31'], { stdio: 'ignore' });
      context.cleanup(() => child.kill('SIGKILL'));
      const same = { netns: netns(), pid: child.pid, ppid: process.pid, uid, file_cut: false, args_cut: false };
      return {
        expect: [
          { ...same, comm: 'sh', args: '/bin/sh -c sleep 1; exec sleep 31' },
          { ...same, comm: 'sleep', args: 'sleep 31' },
        ],
      };
    },
  },
  {
    goal: 'process.exec',
    title: 'a program that is not there was not started',
    skip: { procfs: 'It has ended before the next look.' },
    async provoke(context) {
      const file = `${context.scratch}/none`;
      const { pid } = await shell('exec "$1"', file);
      return { expect: [{ pid, file: '/bin/sh', args: (text) => text.endsWith(` sh ${file}`) }], absent: [{ pid, file }] };
    },
  },
];

const exits = [
  {
    goal: 'process.exit',
    title: 'a process that exits with a code, under a hostile name',
    mayBeUnknown: Object.fromEntries(
      ['code', 'signal', 'core'].map((name) => [name, { procfs: 'Its parent may have asked before the next look.' }]),
    ),
    async provoke(context) {
      const name = told.replace('\udcff', '');
      const program = `require('fs').writeFileSync('/proc/self/comm',${JSON.stringify(name)});setTimeout(()=>process.exit(7),1200)`;
      const started = Date.now();
      const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
      await once(child, 'exit');
      const lived = Date.now() - started;
      return {
        expect: [
          {
            netns: netns(),
            pid: child.pid,
            ppid: process.pid,
            uid,
            comm: name,
            ...(context.engine !== 'procfs' && { code: 7, signal: 0, core: false }),
            lifetime_ms: (ms) => ms >= 1200 && ms <= lived + (context.engine === 'procfs' ? 2000 : 20),
          },
        ],
      };
    },
  },
  {
    goal: 'process.exit',
    title: 'a process that is killed; that one of its threads ended before is not told',
    skip: { procfs: 'How a process ended can only be seen while nobody has waited for it.' },
    async provoke(context) {
      const program = `new (require('worker_threads').Worker)('0', { eval: true }).on('exit', () => process.stdout.write('ended'));setInterval(()=>{},1e6)`;
      const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      context.cleanup(() => child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      await context.delay(100);
      child.kill('SIGKILL');
      await once(child, 'exit');
      return {
        expect: [{ pid: child.pid, uid, comm: nodeComm, code: 0, signal: 9, core: false }],
        absent: [{ pid: child.pid, signal: 0 }],
      };
    },
  },
  {
    goal: 'process.exit',
    title: 'a crash with a core dump, and one without',
    skip: { procfs: 'How a process ended can only be seen while nobody has waited for it.' },
    async provoke(context) {
      const crash = (limit) => shell(`cd "$1" && ulimit -c ${limit} && kill -s SEGV $$`, context.scratch);
      const [dumped, bare] = [await crash('unlimited'), await crash('0')];
      return {
        expect: [
          { pid: dumped.pid, comm: 'sh', code: 0, signal: 11, core: true },
          { pid: bare.pid, comm: 'sh', code: 0, signal: 11, core: false },
        ],
      };
    },
  },
];

/** A process of its own name does it: fs says what it is told to. */
async function deleter(name, ...steps) {
  const program = `const fs=require('fs');fs.writeFileSync('/proc/self/comm',${JSON.stringify(name)});
    for(const [call,path] of ${JSON.stringify(steps)})try{fs[call](Buffer.from(path,'latin1'))}catch{}`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid;
}

const deletions = [
  {
    goal: 'file.delete',
    title: 'a file under a hostile name is deleted by a process with one; the second time it is not there',
    async provoke(context) {
      script(context, hostile);
      const path = `${context.scratch}/${hostile}`;
      const pid = await deleter('d"\n{\\', ['unlinkSync', path], ['unlinkSync', path]);
      const same = {
        netns: netns(),
        pid,
        uid,
        comm: 'd"\n{\\',
        directory: false,
        path: `${context.scratch}/${told}`,
        path_cut: false,
        call: (call) => call.startsWith('unlink'),
      };
      return {
        expect: [
          { ...same, ret: 0 },
          { ...same, ret: -2 },
        ],
      };
    },
  },
  {
    goal: 'file.delete',
    title: 'folders: one that is not empty, and a tree that goes with rm -r',
    async provoke(context) {
      const folder = `${context.scratch}/full`;
      mkdirSync(`${folder}/sub`, { recursive: true });
      const pid = await deleter('folders', ['rmdirSync', folder]);
      const rm = await shell('exec rm -r "$1"', folder);
      const removed = { pid: rm.pid, comm: 'rm', directory: true, ret: 0 };
      return {
        expect: [
          { pid, comm: 'folders', directory: true, ret: -39, path: folder },
          { ...removed, path: (path) => path.endsWith('sub') },
          { ...removed, path: folder },
        ],
      };
    },
  },
  {
    goal: 'file.delete',
    title: 'a path as long as it may be comes whole, a longer one is said to be cut',
    async provoke(context) {
      const within = `${context.scratch}/${'./'.repeat((4090 - context.scratch.length) / 2)}x`;
      const beyond = `/${'z'.repeat(5000)}`;
      const pid = await deleter('longpaths', ['unlinkSync', within], ['unlinkSync', beyond]);
      return {
        expect: [
          { pid, path: within, path_cut: false, ret: -2 },
          { pid, path: (path) => /^\/z{4000,}$/.test(path), path_cut: true, ret: -36 },
        ],
      };
    },
  },
  {
    goal: 'file.delete',
    title: 'a condition on the answer and the kind is tested in the kernel',
    where: 'ret == -39 && directory',
    async provoke(context) {
      mkdirSync(`${context.scratch}/kept/sub`, { recursive: true });
      try {
        rmdirSync(`${context.scratch}/kept`);
      } catch {
        // ENOTEMPTY, which is what is wanted.
      }
      writeFileSync(`${context.scratch}/goes`, '');
      unlinkSync(`${context.scratch}/goes`);
      return { expect: [{ pid: process.pid, path: `${context.scratch}/kept`, ret: -39 }], absent: [{ path: `${context.scratch}/goes` }] };
    },
  },
];

export const cases = [...execs, ...exits, ...deletions];
