import { existsSync } from 'node:fs';
import { startChild } from '../child.ts';
import type { Availability, EngineHost } from '../engine.ts';
import { readOrNothing, tracefs } from '../kernel-facts.ts';
import { lastWords } from './messages.ts';

const oldest = [0, 16] as const;
const tryMs = 20_000;

/** "0.17.0" of what `bpftrace --version` prints; undefined where the program is not there. */
export async function bpftraceVersion(host: EngineHost): Promise<string | undefined> {
  const { output } = await runToEnd(host, ['--version'], 5000);
  return /v?(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
}

/** Whether bpftrace can run here: looks for what it needs, then lets it run a probe for a moment. */
export async function available(host: EngineHost): Promise<Availability> {
  const cannot = (why: string, ...fix: string[]): Availability => ({ can: false, why, fix });
  const version = await bpftraceVersion(host);
  if (version === undefined) return cannot('bpftrace is not installed.', 'sudo apt-get install --yes bpftrace');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    return cannot(
      `bpftrace ${version} is too old: ${oldest.join('.')} or later is needed.`,
      'sudo apt-get update',
      'sudo apt-get install --yes bpftrace',
    );
  if (host.uid !== 0) return cannot('bpftrace runs as root only.', 'sudo npm start');
  if (!existsSync(`${host.sys}/kernel/btf/vmlinux`))
    return cannot('The kernel does not describe its types (no /sys/kernel/btf/vmlinux: it was built without CONFIG_DEBUG_INFO_BTF).');
  if (readOrNothing(`${host.sys}/kernel/security/lockdown`)?.includes('[confidentiality]'))
    return cannot('The kernel is locked down (confidentiality): nothing may read its memory.');
  if (tracefs(host.sys) === undefined)
    return cannot('tracefs is not mounted, so tracepoints cannot be found.', 'sudo mount -t tracefs tracefs /sys/kernel/tracing');
  const { code, said } = await runToEnd(
    host,
    ['-e', 'tracepoint:syscalls:sys_enter_getpriority { @x = 1; } interval:ms:1 { exit(); }'],
    tryMs,
  );
  if (code !== 0) return cannot(`bpftrace ${version} cannot load a probe: ${lastWords(said) || 'it did not answer in 20 s'}.`);
  return {
    can: true,
    summary: `${version} as root`,
    limits: ['Who opened a connection is known only for connections opened after the probe began.'],
  };
}

async function runToEnd(
  host: EngineHost,
  args: readonly string[],
  limitMs: number,
): Promise<{ code: number | null; output: string; said: readonly string[] }> {
  const said: string[] = [];
  const child = startChild(host.spawn, 'bpftrace', args, { onStderr: (line) => said.push(line) });
  const timer = setTimeout(() => void child.stop([{ signal: 'SIGKILL', afterMs: 0 }]), limitMs);
  let output = '';
  for await (const chunk of child.lines()) output += Buffer.from(chunk).toString('latin1');
  const { code } = await child.exited;
  clearTimeout(timer);
  return { code, output, said };
}
