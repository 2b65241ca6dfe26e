import type { TapRecord } from '../decode/batch.ts';
import { sha256 } from './labels.ts';

/** Semantics 28. 32 hex digits each; the word in front keeps the kinds apart. */
const id = (...parts: readonly unknown[]): string => sha256(parts).slice(0, 32);

/** One notification of an alert. `startsAtUs`: record time at which it began to fire. */
export const alertId = (fingerprint: string, startsAtUs: number, state: 'firing' | 'resolved', repeat: number): string =>
  id('alert', fingerprint, startsAtUs, state, repeat);

/** A forwarded record: its identity (semantics 4) and the rule. */
export const recordId = (rule: string, r: Pick<TapRecord, 'host' | 'boot' | 'run' | 'module' | 'lane' | 'seq'>): string =>
  id('record', rule, r.host, r.boot, r.run, r.module, r.lane, r.seq);

/** A closing record of a dedupe window that opened at `t0Us`. */
export const closingId = (rule: string, keyText: string, t0Us: number): string => id('closing', rule, keyText, t0Us);

/** A message of several items: the sink and the ids, whatever their order. */
export const notificationId = (sink: string, itemIds: readonly string[]): string => id('notification', sink, [...itemIds].sort());
