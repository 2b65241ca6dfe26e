import type { Item } from '../../alerts/item.ts';
import type { SendResult } from '../../delivery/sink.ts';

/** A way to a receiver of syslog. Keeps its connection open between calls; one call at a time. */
export interface SyslogPort {
  /** One answer for each item, in order. */
  send(items: readonly Item[], signal: AbortSignal): Promise<readonly SendResult[]>;
  close(): Promise<void>;
}

/** Numbers of meta sequenceId: 1 to 2^31 - 1, then from 1 again (RFC 5424 7.3.1). */
export class SequenceId {
  #last = 0;
  next(): number {
    this.#last = this.#last >= 2_147_483_647 ? 1 : this.#last + 1;
    return this.#last;
  }
}
