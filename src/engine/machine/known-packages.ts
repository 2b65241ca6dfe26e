import type { EngineHost } from '../engine.ts';
import { output } from './output.ts';
import type { MachineFacts } from './facts.ts';

/**
 * Which of these packages apt's lists have; nothing where there is no apt or its lists are empty (a fresh container image), so that
 * "not known" is never told as "not there". dnf and zypper would go to the network, so they are not asked.
 */
export async function knownPackages(
  host: EngineHost,
  facts: MachineFacts,
  names: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  if (names.length === 0 || !facts.programs.has('apt-cache') || !facts.packageLists) return new Map();
  const { text, code } = await output(host, 'apt-cache', ['show', '--no-all-versions', ...names], { limitMs: 5000 });
  // 100: some of them are not known.
  if (code !== 0 && code !== 100) return new Map();
  const found = new Set([...text.matchAll(/^Package: (\S+)$/gm)].map((match) => match[1] ?? ''));
  return new Map(names.map((name) => [name, found.has(name)]));
}
