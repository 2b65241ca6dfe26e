import type { EngineName } from '../../config/config.ts';
import type { Engine, EngineHost } from '../../engine/engine.ts';
import type { HostFacts } from '../../generate/module.ts';
import { readTemplate } from '../../generate/template.ts';
import type { Goal } from '../../goals/goal.ts';

/** Facts of this host where the engine can run; else those of a kernel that has everything, so that the module can be read all the same. */
export async function factsFor(name: EngineName, engines: readonly Engine[], host: EngineHost, goal: Goal): Promise<HostFacts> {
  const engine = engines.find((each) => each.name === name);
  const can = engine === undefined ? undefined : await engine.available(host);
  if (engine !== undefined && can?.can === true) return engine.facts(host, [goal]);
  const template = readTemplate(goal, name);
  const offsets = template.ok
    ? [...template.value.matchAll(/\{\{(?:offset|word) ([^ }]+)/g)].map((match) => [match[1] ?? '', 0] as const)
    : [];
  return {
    hz: 250,
    kernel: 'of another host',
    tracepoints: new Everything(new AllNames()),
    offsets: new Map(offsets),
    engineVersion: 'unknown',
  };
}

/** A map in which every key stands for the same. */
class Everything<V> extends Map<string, V> {
  readonly #value: V;
  constructor(value: V) {
    super();
    this.#value = value;
  }
  override has(): boolean {
    return true;
  }
  override get(): V {
    return this.#value;
  }
}

class AllNames extends Set<string> {
  override has(): boolean {
    return true;
  }
}
