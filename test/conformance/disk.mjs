// Block devices: loop devices over files of the case's own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loopOver, smallTmpfs } from './disk/loop.mjs';

const dd = (...args) => spawnSync('dd', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });

/** dd's own words must say that it failed so. */
function mustFail(answer, words) {
  if (answer.status === 0 || !answer.stderr.includes(words)) throw new Error(`dd was to fail with "${words}": ${answer.stderr}`);
}

export const cases = [
  {
    goal: 'disk.error',
    title: 'a read of sectors that are not there any more',
    provoke(context) {
      const file = join(context.scratch, 'disk');
      const loop = loopOver(context, file, 8 * 2 ** 20);
      truncateSync(file, 2 ** 20);
      mustFail(dd(`if=${loop.path}`, 'of=/dev/null', 'iflag=direct', 'bs=4096', 'skip=1024', 'count=1'), 'Input/output error');
      return Promise.resolve({
        expect: [{ disk: loop.name, op: 'read', sector: 8192, bytes: 4096, why: 'io', err: -5 }],
        absent: [
          { disk: loop.name, op: 'write' },
          { disk: loop.name, err: 0 },
        ],
      });
    },
  },
  {
    goal: 'disk.error',
    title: 'a write for which there is no space left',
    provoke(context) {
      const file = join(smallTmpfs(context, '256k'), 'disk');
      const loop = loopOver(context, file, 8 * 2 ** 20);
      try {
        writeFileSync(`${file}.rest`, Buffer.alloc(2 ** 20));
      } catch {
        // Full, as it shall be.
      }
      mustFail(dd('if=/dev/zero', `of=${loop.path}`, 'oflag=direct', 'bs=4096', 'seek=512', 'count=1'), 'No space left on device');
      return Promise.resolve({ expect: [{ disk: loop.name, op: 'write', sector: 4096, bytes: 4096, why: 'no_space', err: -28 }] });
    },
  },
  ...['write', 'read'].map((op) => ({
    goal: 'disk.latency',
    title: `one ${op} request of a process that waits for it`,
    with: { interval: '1s' },
    async provoke(context) {
      const loop = loopOver(context, join(context.scratch, 'disk'), 8 * 2 ** 20);
      const [bytes, ends] =
        op === 'write'
          ? [65536, [`of=${loop.path}`, 'if=/dev/zero', 'oflag=direct']]
          : [32768, [`if=${loop.path}`, 'of=/dev/null', 'iflag=direct']];
      const begun = performance.now();
      // A program is called as its file is.
      const comm = op === 'write' ? 'dd' : 'd"\n{\\,';
      const program = op === 'write' ? comm : join(context.scratch, comm);
      if (op === 'read') symlinkSync(execFileSync('sh', ['-c', 'command -v dd'], { encoding: 'utf8' }).trim(), program);
      const child = spawn(program, [...ends, `bs=${bytes}`, 'count=1'], { stdio: 'ignore' });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`dd ended with ${code}`);
      const tookUs = (performance.now() - begun) * 1000;
      const us = (value) => value >= (context.engine === 'procfs' ? 0 : 1) && value <= tookUs;
      const whose = context.engine === 'procfs' ? {} : { pid: child.pid, comm, max_us: us };
      return {
        expect: [{ disk: loop.name, op, requests: 1, bytes, avg_us: us, interval_ms: (ms) => ms > 0 && ms < 30_000, ...whose }],
        absent: [{ disk: loop.name, op: op === 'write' ? 'read' : 'write', requests: 1, bytes }],
      };
    },
  })),
];
