// Memory: the OOM killer inside a small memory cgroup that the case makes itself.
import { readFileSync } from 'node:fs';
import { asker } from './memory/asker.mjs';
import { hog, holder, makeCgroup } from './memory/cgroup.mjs';

const sixteenMiB = 16 * 2 ** 20;
const resident = (bytes) => bytes > sixteenMiB / 4 && bytes <= sixteenMiB;

const counts = { procfs: 'It counts victims and does not know them; another case asks for that.' };

export const cases = [
  {
    goal: 'memory.oom',
    title: 'that a process was killed',
    async provoke(context) {
      const victim = await hog(context, makeCgroup(context, `tapline-killed-${process.pid}`, sixteenMiB), {});
      return { expect: [context.engine === 'procfs' ? { pid: undefined, comm: undefined } : { pid: victim.pid, comm: 'tail' }] };
    },
  },
  {
    goal: 'memory.oom',
    title: 'a process that asks for more than its cgroup may have',
    skip: counts,
    async provoke(context) {
      const name = `tapline-oom-${process.pid}`;
      const cgroup = makeCgroup(context, name, sixteenMiB);
      const victim = await hog(context, cgroup, { oomScoreAdj: 500 });
      if (victim.signal !== 'SIGKILL') throw new Error(`tail was to be killed, and ended ${victim.how}`);
      return {
        expect: [
          {
            pid: victim.pid,
            comm: 'tail',
            uid: 0,
            why: 'cgroup',
            cgroup: name,
            by_pid: victim.pid,
            by_comm: 'tail',
            anon_bytes: resident,
            total_vm_bytes: (bytes) => bytes >= sixteenMiB / 2,
            pgtables_bytes: (bytes) => bytes >= 4096,
            shmem_bytes: 0,
            oom_score_adj: 500,
          },
        ],
        absent: [{ pid: victim.pid, why: 'host' }],
      };
    },
  },
  {
    goal: 'memory.oom',
    title: 'the victim is another than the one who asked',
    skip: counts,
    async provoke(context) {
      const name = `tapline-other-${process.pid}`;
      const cgroup = makeCgroup(context, name, sixteenMiB);
      const big = await holder(context, cgroup, { mebibytes: 10, oomScoreAdj: 1000 });
      const asker = await hog(context, cgroup, { oomScoreAdj: 0 });
      return {
        expect: [
          {
            pid: big.pid,
            comm: 'dd',
            why: 'cgroup',
            cgroup: name,
            by_pid: asker.pid,
            by_comm: 'tail',
            anon_bytes: (bytes) => bytes >= 9 * 2 ** 20 && bytes <= sixteenMiB,
            oom_score_adj: 1000,
          },
        ],
      };
    },
  },
  {
    goal: 'memory.oom',
    title: 'names that would end a record come through byte for byte',
    skip: counts,
    async provoke(context) {
      // "\xff" is no UTF-8; in records it is the lone surrogate U+DCFF.
      const cgroup = makeCgroup(context, Buffer.from(`a","why":0}\t\\N{${process.pid}\xff`, 'latin1'), sixteenMiB);
      const victim = await hog(context, cgroup, { comm: '"}\n{"\t\\x\u001b[1m' });
      return {
        expect: [
          {
            pid: victim.pid,
            comm: '"}\n{"\t\\x\u001b[1m',
            cgroup: `a","why":0}\t\\N{${process.pid}\udcff`,
            by_comm: '"}\n{"\t\\x\u001b[1m',
          },
        ],
      };
    },
  },
  {
    goal: 'memory.reclaim',
    title: 'a process whose cgroup is at its limit',
    with: { interval: '1s' },
    async provoke(context) {
      const cgroup = makeCgroup(context, `tapline-reclaim-${process.pid}`, sixteenMiB);
      const begun = performance.now();
      const { pid } = await hog(context, cgroup, {});
      const tookUs = (performance.now() - begun) * 1000;
      const us = (value) => value > 0 && value <= tookUs;
      return {
        expect: [
          {
            why: 'cgroup',
            pid,
            uid: 0,
            comm: 'tail',
            reclaims: (n) => n >= 1,
            stall_us: us,
            max_us: us,
            interval_ms: (ms) => ms > 0 && ms < 30_000,
          },
        ],
        absent: [{ why: 'host', pid }],
      };
    },
  },
  {
    goal: 'memory.reclaim',
    title: 'a name that looks like a key of its own',
    with: { interval: '1s' },
    async provoke(context) {
      const cgroup = makeCgroup(context, `tapline-name-${process.pid}`, sixteenMiB);
      const comm = '0,1,"}\n{\t\\x';
      const { pid } = await hog(context, cgroup, { comm });
      return { expect: [{ why: 'cgroup', pid, uid: 0, comm }] };
    },
  },
  ...['asker', '7,"}\n\t\\,\u001b['].map((comm) => ({
    goal: 'memory.alloc',
    title: comm === 'asker' ? 'heap, maps and page faults of a process' : 'a name that looks like a key of its own',
    with: { interval: '1s' },
    async provoke(context) {
      // Twice: an interval may end in the middle of one.
      const pids = [await asker(context, comm), await asker(context, comm)];
      const between = (least, most) => (value) => value >= least && value < most;
      const known =
        context.engine === 'procfs'
          ? {}
          : { brk_bytes: between(3 * 2 ** 20, 4 * 2 ** 20), mmap_bytes: between(20 * 2 ** 20, 21 * 2 ** 20) };
      return {
        expect: [
          {
            pid: (pid) => pids.includes(pid),
            uid: 0,
            comm,
            faults: between(500, context.engine === 'procfs' ? 1500 : 900),
            interval_ms: (ms) => ms > 0 && ms < 30_000,
            ...known,
          },
        ],
      };
    },
  })),
  {
    goal: 'memory.pressure',
    title: 'a process whose cgroup is at its limit makes the machine lose time',
    with: { interval: '1s' },
    async provoke(context) {
      const total = () => Number(/^some .*total=(\d+)$/m.exec(readFileSync('/proc/pressure/memory', 'utf8'))[1]);
      const before = total();
      for (let i = 0; i < 20 && total() === before; i++)
        await hog(context, makeCgroup(context, `tapline-psi-${process.pid}-${i}`, sixteenMiB), {});
      if (total() === before) throw new Error('the kernel saw no pressure');
      const percent = (value) => value >= 0 && value <= 100;
      return {
        expect: [
          {
            cgroup: '/',
            some_us: (us) => us > 0,
            full_us: (us) => us >= 0,
            some_percent: percent,
            full_avg10: percent,
            interval_ms: (ms) => ms > 500 && ms < 30_000,
          },
        ],
        absent: [{ cgroup: '/', some_us: 0 }],
      };
    },
  },
];
