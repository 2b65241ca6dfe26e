import { delimiter, join } from 'node:path';
import type { EngineHost } from '../../src/engine/engine.ts';
import type { Need } from '../needs.ts';
import { realHost } from './watching.ts';

const folder = join(import.meta.dirname, 'bpftrace-current');

/** A version of bpftrace that tests run with: this machine's, and the current one, which the lab has. */
export interface Bpftrace {
  readonly name: string;
  /** Besides root. */
  readonly needs: readonly Need[];
  readonly host: EngineHost;
  /** For a process of its own, instead of `host`. */
  readonly env: Readonly<Record<string, string>>;
}

export const installedBpftrace: Bpftrace = { name: 'bpftrace', needs: ['bpftrace'], host: realHost, env: {} };

export const currentBpftrace: Bpftrace = {
  name: 'current bpftrace',
  needs: ['bpftrace', 'currentBpftrace'],
  host: {
    ...realHost,
    spawn: (command, args, options) => realHost.spawn(command === 'bpftrace' ? join(folder, command) : command, args, options),
  },
  env: { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` },
};

export const bpftraces: readonly Bpftrace[] = [installedBpftrace, currentBpftrace];
