import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

/** Text of a file, or undefined where it cannot be read. */
export function readOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Where the kernel describes its tracepoints, or undefined where tracefs is not mounted. */
export function tracefs(sys: string): string | undefined {
  return [`${sys}/kernel/tracing`, `${sys}/kernel/debug/tracing`].find((folder) => {
    try {
      return readdirSync(`${folder}/events`).length > 0;
    } catch {
      return false;
    }
  });
}

/** Names of the fields of those tracepoints ("tcp:tcp_retransmit_skb") that this kernel has. */
export function tracepointFields(sys: string, names: Iterable<string>): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  const folder = tracefs(sys);
  for (const name of names) {
    const format = folder === undefined ? undefined : readOrNothing(`${folder}/events/${name.replace(':', '/')}/format`);
    if (format !== undefined)
      found.set(name, new Set([...format.matchAll(/^\s*field:[^;]*?(\w+)(?:\[\w*\])?;/gm)].map((match) => match[1] ?? '')));
  }
  return found;
}

/** Byte offset of a field in a tracepoint's record, by "tcp:tcp_retransmit_skb.saddr_v6", of all fields of those tracepoints. */
export function tracepointOffsets(sys: string, names: Iterable<string>): Map<string, number> {
  const offsets = new Map<string, number>();
  const folder = tracefs(sys);
  for (const name of names) {
    const format = folder === undefined ? undefined : readOrNothing(`${folder}/events/${name.replace(':', '/')}/format`);
    for (const [, field, offset] of format?.matchAll(/^\s*field:[^;]*?(\w+)(?:\[\w*\])?;\s*offset:(\d+);/gm) ?? [])
      offsets.set(`${name}.${field}`, Number(offset));
  }
  return offsets;
}

/**
 * What the numbers of these fields ("skb:kfree_skb.reason") stand for: the words with which the kernel itself prints them
 * (`__print_symbolic` in the tracepoint's format). They differ from kernel to kernel; none where it does not say. Words are
 * capitals, digits and _ only.
 */
export function tracepointWords(sys: string, fields: Iterable<string>): Map<string, ReadonlyMap<number, string>> {
  const folder = tracefs(sys);
  return new Map(
    [...fields].map((whole) => {
      const [name = '', field = ''] = whole.split('.');
      const format = folder === undefined ? '' : (readOrNothing(`${folder}/events/${name.replace(':', '/')}/format`) ?? '');
      const list = format.split(`__print_symbolic(REC->${field}, `)[1]?.split('})')[0] ?? '';
      return [
        whole,
        new Map([...list.matchAll(/\{ (\d+), "([A-Z0-9_]+)" /g)].map(([, number, word = '']) => [Number(number), word] as const)),
      ];
    }),
  );
}

/** Ticks a second: from the kernel's configuration, else measured; 0 where neither can be had. */
export async function kernelHz(proc: string): Promise<number> {
  const configured = /^CONFIG_HZ=(\d+)$/m.exec(kernelConfig(proc, '/', release()))?.[1];
  return configured === undefined ? measuredHz(proc) : Number(configured);
}

/** The text that the running kernel was configured with; "" where it cannot be read. `root` stands before /boot and /lib. */
export function kernelConfig(proc: string, root: string, kernel: string): string {
  try {
    return gunzipSync(readFileSync(`${proc}/config.gz`)).toString();
  } catch {
    return readOrNothing(join(root, `boot/config-${kernel}`)) ?? readOrNothing(join(root, `lib/modules/${kernel}/config`)) ?? '';
  }
}

/** What a kernel can be built with (kernel/Kconfig.hz). */
const rates = [100, 250, 300, 1000];

/** Counts jiffies over a while, as /proc/timer_list (root) tells them, against the kernel's own nanoseconds beside them. */
async function measuredHz(proc: string): Promise<number> {
  const read = () => {
    const text = readOrNothing(`${proc}/timer_list`) ?? '';
    return { jiffies: Number(/^jiffies: (\d+)/m.exec(text)?.[1]), ns: Number(/^now at (\d+) nsecs/m.exec(text)?.[1]) };
  };
  const first = read();
  if (Number.isNaN(first.jiffies + first.ns)) return 0;
  await delay(400);
  const second = read();
  const hz = ((second.jiffies - first.jiffies) * 1e9) / (second.ns - first.ns);
  return rates.find((rate) => Math.abs(hz - rate) < rate / 10) ?? 0;
}
