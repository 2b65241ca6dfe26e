import { constants, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../telemetry/clock.ts';

/**
 * Makes markers: a write to a file of the module's own. SystemTap makes the file after it has attached all other probes, and runs
 * no probe before that is done, so a marker that comes back proves them ready, at no cost to other system calls.
 *
 * The file is opened without O_NONBLOCK, so in another thread: SystemTap's runtime (5.6, procfs-probes.c: _stp_proc_open_file) lets
 * a non-blocking open of a file that is open elsewhere succeed without its data, and the write that follows crashes the kernel.
 */
export class Mark {
  readonly #path: string;
  readonly #clock: Clock;
  #opening: Promise<FileHandle | undefined> | undefined;

  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** The readings of the clock round the write; undefined where the module is not there, or somebody else held the file for `waitMs`. */
  async make(number: number, waitMs: number, ends: AbortSignal): Promise<{ beforeUs: number; afterUs: number } | undefined> {
    this.#opening ??= open(this.#path, constants.O_WRONLY).catch(() => undefined);
    const opening = this.#opening;
    const late = Symbol('late');
    const over = new AbortController();
    const waited = delay(waitMs, late, { signal: AbortSignal.any([ends, over.signal]) }).catch(() => late);
    const file = await Promise.race([opening, waited]);
    over.abort();
    if (typeof file === 'symbol') return undefined; // It is asked for again, or closed by `close`.
    this.#opening = undefined;
    if (file === undefined) return undefined;
    try {
      const beforeUs = this.#clock.nowUs();
      writeSync(file.fd, String(number));
      return { beforeUs, afterUs: this.#clock.nowUs() };
    } catch {
      return undefined; // It was taken out meanwhile.
    } finally {
      await file.close().catch(() => undefined);
    }
  }

  /** An open that still waits must not keep the file. */
  close(): void {
    void this.#opening?.then((file) => file?.close()).catch(() => undefined);
  }
}
