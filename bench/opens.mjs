// A program that fails to open a file as often as it can, and what that costs it: Perl, whose loop is short.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** CPU ns per call of the traced program, and how many calls a second it came to. `perSecond`: at most so many, in bursts of 10 ms. A grandchild: Tapline's own children are not watched. */
export async function opens(calls, perSecond = 0) {
  const burst = Math.max(1, Math.round(perSecond / 100));
  const pace = perSecond === 0 ? '' : `if ($i % ${burst} == 0) { select(undef, undef, undef, 0.01) }`;
  const program = `sub up { open(U, "/proc/uptime"); my ($s) = split(/ /, <U>); close(U); $s }
    open(C, ">/proc/self/comm"); print C "tl-bench"; close(C); my $t = up(); my @a = times;
    for my $i (1..${calls}) { sysopen(F, "/nonexistent/tapline", 0); ${pace} } my @b = times; print $b[0] + $b[1] - $a[0] - $a[1], " ", up() - $t;`;
  const { stdout } = await run('sh', ['-c', `perl -e "$1"; :`, 'sh', program]);
  const [cpu, wall] = stdout.split(' ').map(Number);
  if (!(wall >= 0)) throw new Error(`perl said: ${stdout}`);
  return { ns: (cpu / calls) * 1e9, perSecond: calls / wall };
}
