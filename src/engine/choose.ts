import type { Config, EngineName } from '../config/config.ts';
import type { Goal } from '../goals/goal.ts';
import type { Availability } from './engine.ts';

export interface ChooseMore {
  /** SystemTap's module of the goal is there already, compiled for this kernel. */
  readonly compiled?: boolean;
  /** Engines that have failed for this goal and are left alone. */
  readonly failed?: ReadonlySet<EngineName>;
}

export type Choice =
  | {
      readonly engine: EngineName;
      /** One sentence without its end: which, and why not a better one. */
      readonly why: string;
      /** A better one that takes over as soon as it is ready. */
      readonly next?: EngineName;
    }
  | { readonly engine?: undefined; readonly next?: undefined; readonly why: string };

/**
 * Which engine answers a goal here (semantics 21). `auto`: systemtap where its module is compiled; else bpftrace; else procfs
 * at once, until systemtap is ready where it can compile; an engine that is named is taken or nothing. Pure.
 */
export function chooseEngine(
  goal: Goal,
  wanted: Config['engine'],
  can: ReadonlyMap<EngineName, Availability>,
  more: ChooseMore = {},
): Choice {
  const why = (engine: EngineName): string | undefined => {
    if (goal.engines[engine] === undefined) {
      const cannot = goal.cannot[engine]?.replace(/\.$/, '');
      return `${engine} has no answer to ${goal.id}${cannot === undefined ? '' : ` (${cannot})`}`;
    }
    if (more.failed?.has(engine)) return `${engine} has failed`;
    const availability = can.get(engine);
    if (availability === undefined) return `${engine} was not looked for`;
    if (availability.can) return undefined;
    const reason = availability.why.replace(/\.$/, '');
    return reason.startsWith(engine) ? reason : `${engine}: ${reason}`;
  };
  if (wanted !== 'auto') {
    const against = why(wanted);
    return against === undefined ? { engine: wanted, why: 'as configured' } : { why: against };
  }
  const samples = (engine: EngineName) => goal.engines[engine]?.fidelity === 'sampled';
  const against = { systemtap: why('systemtap'), bpftrace: why('bpftrace'), procfs: why('procfs') };
  if (against.systemtap === undefined && more.compiled === true)
    return { engine: 'systemtap', why: 'its module is compiled for this kernel' };
  if (against.bpftrace === undefined)
    return { engine: 'bpftrace', why: samples('bpftrace') ? 'looks many times a second' : 'sees every event' };
  if (against.procfs === undefined) {
    const reasons = [against.bpftrace, against.systemtap].filter((reason) => reason !== undefined && !reason.includes('has no answer'));
    return against.systemtap === undefined
      ? {
          engine: 'procfs',
          why: `polls until the module of systemtap is compiled${samples('systemtap') ? '' : ', which sees every event'}`,
          next: 'systemtap',
        }
      : { engine: 'procfs', why: reasons[0] === undefined ? 'polls' : `polls, because ${reasons[0]}` };
  }
  if (against.systemtap === undefined) return { engine: 'systemtap', why: 'its module has to be compiled first' };
  const reasons = [against.bpftrace, against.systemtap, against.procfs].filter((reason) => !reason.includes('has no answer'));
  return { why: reasons[0] ?? `no engine has an answer to ${goal.id}` };
}
