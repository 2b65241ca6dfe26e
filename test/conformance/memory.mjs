// Memory: the OOM killer inside a small memory cgroup that the case makes itself.
import { hog, holder, makeCgroup } from './memory/cgroup.mjs';

const sixteenMiB = 16 * 2 ** 20;
const resident = (bytes) => bytes > sixteenMiB / 4 && bytes <= sixteenMiB;

export const cases = [
  {
    goal: 'memory.oom',
    title: 'a process that asks for more than its cgroup may have',
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
            anon_bytes: (bytes) => bytes >= 10 * 2 ** 20 && bytes <= sixteenMiB,
            oom_score_adj: 1000,
          },
        ],
      };
    },
  },
  {
    goal: 'memory.oom',
    title: 'names that would end a record come through byte for byte',
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
];
