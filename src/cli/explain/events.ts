import type { Module } from '../../generate/module.ts';

/** Probe points that are Tapline's own housekeeping, in every module. */
const housekeeping = /^(syscalls:sys_enter_getpriority|interval:.*|timer\.(s|ms)\(1(000)?\))$/;

/**
 * What of the kernel a module is attached to, read from its source: "tracepoint tcp:tcp_retransmit_skb", "sampling 90 times a
 * second". Nothing for an engine that reads files.
 */
export function eventsOf({ engine, source }: Pick<Module, 'engine' | 'source'>): readonly string[] {
  const code = source.replace(/^\s*\/\/.*$/gm, '');
  const points =
    engine === 'bpftrace'
      ? [...code.matchAll(/^\s*(?:tracepoint:(\w+:\w+)|profile:(ms|hz):(\d+))/gm)]
      : [...code.matchAll(/\bkernel\.trace\("(\w+:\w+)"\)|\bperf\.type\(\d+\)\.config\(\d+\)\.(sample)\((\d+)\)/g)];
  const names = points.map(([, tracepoint, kind, number]) =>
    tracepoint === undefined ? sampling(kind ?? '', Number(number)) : tracepoint,
  );
  return [...new Set(names)].filter((name) => !housekeeping.test(name)).map((name) => (name.includes(':') ? `tracepoint ${name}` : name));
}

/** `number`: milliseconds, hertz, or nanoseconds of the CPU's clock. */
function sampling(kind: string, number: number): string {
  const ms = kind === 'hz' ? 1000 / number : kind === 'sample' ? number / 1e6 : number;
  return `a look at what each CPU runs, every ${Math.round(ms)} ms`;
}
