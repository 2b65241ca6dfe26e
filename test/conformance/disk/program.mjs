// Small programs that a minimal Debian has by themselves or in busybox.
import { execFileSync } from 'node:child_process';

/** What it prints. Throws with what it said. */
export function program(name, ...args) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  try {
    return execFileSync(name, args, options).trim();
  } catch (cause) {
    if (cause.code !== 'ENOENT') throw new Error(`${name} ${args.join(' ')}: ${String(cause.stderr ?? cause)}`);
    return execFileSync('/bin/busybox', [name, ...args], options).trim();
  }
}
