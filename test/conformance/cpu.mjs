// Processes that use the processor, that wait for it, and that wait in a system call.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';

const uid = process.getuid();
const netns = () => statSync('/proc/self/ns/net').ino;
const hostile = 'h,"\\1\n{';

/** Runs a shell's program until the case is over; it leaves the processor to whoever else needs it. */
function start(context, program, ...args) {
  const child = spawn('nice', ['-n', '19', '/bin/sh', '-c', program, 'sh', ...args], { stdio: 'ignore' });
  context.cleanup(() => child.kill('SIGKILL'));
  return child;
}

/** User and kernel time that a process has used, in ms (proc_pid_stat(5): fields 14 and 15, in ticks of 10 ms). */
function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return { user: Number(fields[11]) * 10, kernel: Number(fields[12]) * 10 };
}

/** How often and how long the first thread of a process has waited for a processor: µs, times. */
function waited(pid) {
  const [, ns, times] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ').map(Number);
  return { us: ns / 1000, times };
}

let symbols;
/** Whether the running kernel, or a module of it, has such a function; as SystemTap and bpftrace print it: "read_zero", "ext4_sync_file [ext4]". */
function isKernelFunction(text) {
  symbols ??= readFileSync('/proc/kallsyms', 'latin1');
  const [name, module] = (text ?? '').split(' ');
  return /^[\w.$]+$/.test(name) && symbols.includes(` ${name}${module ? `\t${module}` : '\n'}`);
}

const hogs = [
  {
    goal: 'cpu.hog',
    title: 'one that works in its own code, one that works in the kernel, under hostile names; one that sleeps',
    with: { interval: '1s' },
    mayBeUnknown: { kernel_function: 'the one that works in its own code may never be met in the kernel' },
    async provoke(context) {
      const name = `printf 'h,"\\\\1\\n{' > /proc/$$/comm;`;
      const spinner = start(context, `${name} while :; do :; done`);
      const copier = start(context, `${name} exec dd if=/dev/zero of=/dev/null bs=1`);
      const sleeper = start(context, 'exec sleep 30');
      await context.delay(4000);
      const [spun, copied] = [used(spinner.pid), used(copier.pid)];
      const between = (low, high) => (ms) => ms >= low && ms <= 1.4 * high + 100;
      return {
        expect: [
          { pid: spinner.pid, uid, comm: hostile, user_ms: between(spun.user / 20, spun.user), interval_ms: (ms) => ms > 0 && ms < 5000 },
          {
            pid: copier.pid,
            uid,
            comm: 'dd',
            kernel_ms: between(copied.kernel / 20, copied.kernel),
            ...(context.engine !== 'procfs' && { kernel_function: isKernelFunction }),
          },
        ],
        absent: [{ pid: sleeper.pid, user_ms: (ms) => ms > 250 }, { pid: 0 }],
      };
    },
  },
];

const queues = [
  {
    goal: 'cpu.runqueue_latency',
    title: 'three that want the same processor wait for each other',
    with: { interval: '1s' },
    async provoke(context) {
      const name = `printf 'h,"\\\\1\\n{' > /proc/$$/comm;`;
      const [one] = [1, 2, 3].map(() => start(context, `${name} taskset -pc 0 $$ > /dev/null; while :; do :; done`));
      await context.delay(4000);
      const truth = waited(one.pid);
      return {
        expect: [
          {
            pid: one.pid,
            comm: hostile,
            waits: (n) => n >= 3 && n <= truth.times + 200,
            avg_us: (us) => us >= 200 && us <= truth.us,
            ...(context.engine !== 'procfs' && { max_us: (us) => us >= 1000 && us <= truth.us + 2_000_000 }),
          },
        ],
        absent: [{ pid: 0 }],
      };
    },
  },
];

const slow = [
  {
    goal: 'syscall.slow',
    title: 'a sleep that is longer than asked for, and one that is shorter',
    with: { syscall: 'clock_nanosleep', min_ms: 300 },
    async provoke(context) {
      const begun = process.hrtime.bigint();
      const long = start(context, 'exec sleep 0.6');
      const short = start(context, 'exec sleep 0.01');
      await once(long, 'exit');
      const lived = Number(process.hrtime.bigint() - begun) / 1000;
      return {
        expect: [
          {
            netns: netns(),
            pid: long.pid,
            tid: long.pid,
            uid,
            comm: 'sleep',
            call: 'clock_nanosleep',
            duration_us: (us) => us >= 600_000 && us <= lived,
            ret: 0,
          },
        ],
        absent: [{ pid: short.pid, duration_us: (us) => us < 300_000 }],
      };
    },
  },
  {
    goal: 'syscall.slow',
    title: 'a shell under a hostile name that waits for its child gets the pid of it',
    with: { syscall: 'wait4', min_ms: 100 },
    async provoke(context) {
      const shell = start(context, `printf 'h,"\\\\1\\n{' > /proc/$$/comm; sleep 0.5 & wait $!; sleep 0.5; :`);
      await once(shell, 'exit');
      return {
        expect: [{ pid: shell.pid, comm: hostile, call: 'wait4', duration_us: (us) => us >= 300_000, ret: (pid) => pid > shell.pid }],
      };
    },
  },
  {
    goal: 'syscall.slow',
    title: 'a call that a signal ended',
    with: { syscall: 'clock_nanosleep', min_ms: 300 },
    async provoke(context) {
      const killed = start(context, 'exec sleep 20');
      // Asleep, and so within the call: a machine under emulation takes its time to get there.
      while (!/ \(sleep\) S /.test(readFileSync(`/proc/${killed.pid}/stat`, 'latin1'))) await context.delay(50);
      await context.delay(500);
      killed.kill('SIGKILL');
      await once(killed, 'exit');
      // ERESTART_RESTARTBLOCK: the kernel would go on with it, had the process lived.
      return { expect: [{ pid: killed.pid, comm: 'sleep', duration_us: (us) => us < 20_000_000, ret: -516 }] };
    },
  },
];

export const cases = [...hogs, ...queues, ...slow];
