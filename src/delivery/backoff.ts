export interface BackoffSettings {
  readonly firstMs: number;
  readonly capMs: number;
}

export const defaultBackoff: BackoffSettings = { firstMs: 1000, capMs: 60_000 };

/**
 * How long to wait after the `failures`-th failure in a row (from 1): doubling up to the cap, of which half is left to
 * chance so that many senders do not return at the same moment. `random` answers [0, 1).
 */
export function backoffMs(failures: number, random: () => number, { firstMs, capMs }: BackoffSettings = defaultBackoff): number {
  const full = Math.min(capMs, firstMs * 2 ** Math.max(0, failures - 1));
  return full / 2 + (random() * full) / 2;
}
