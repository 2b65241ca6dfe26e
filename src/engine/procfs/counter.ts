/**
 * TcpRetransSegs of this network namespace: every segment that any socket sent again, SYNs and SYN-ACKs included
 * (/proc/net/snmp; RFC 4022 tcpRetransSegs). Undefined where the text has none.
 */
export function parseRetransSegs(snmp: string): number | undefined {
  const [names, values] = snmp.split('\n').filter((line) => line.startsWith('Tcp:'));
  const at = names?.split(' ').indexOf('RetransSegs') ?? -1;
  const value = values?.split(' ')[at];
  return at < 0 || value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

/**
 * What sampling missed (semantics 5): the kernel's counter since the baseline, less what was told. Each look reads the
 * counter before the sockets, so the difference may dip and come back; only a rise above its maximum counts.
 */
export class MissedCount {
  #base: number;
  #told = 0;
  #missed = 0;

  constructor(baseline: number) {
    this.#base = baseline;
  }

  /** `counter` as read before the sockets of which `told` resends were then told. */
  add(counter: number, told: number): number {
    this.#told += told;
    // A counter that fell is another one (the process was moved to another namespace): nothing is known of what it missed.
    if (counter < this.#base) this.#base = counter - this.#told - this.#missed;
    this.#missed = this.by(counter);
    return this.#missed;
  }

  /** What would be missed if nothing more were told of what happened before `counter` was read. */
  by(counter: number): number {
    return Math.max(this.#missed, counter - this.#base - this.#told);
  }

  get missed(): number {
    return this.#missed;
  }
}
