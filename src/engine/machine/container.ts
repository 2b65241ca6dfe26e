import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readOrNothing } from '../kernel-facts.ts';

/**
 * What kind of container this is: by the files that engines leave, by the variable `container` of the first process
 * (systemd's convention; readable by root), by the names of its control groups. Undefined: none of these says so.
 */
export function containerKind(proc: string, root: string): string | undefined {
  if (existsSync(join(root, '.dockerenv'))) return 'docker';
  if (existsSync(join(root, 'run/.containerenv'))) return 'podman';
  const said = readOrNothing(join(root, 'run/systemd/container'))?.trim();
  if (said !== undefined && said !== '') return said;
  const variable = /(?:^|\0)container=([^\0]+)/.exec(readOrNothing(`${proc}/1/environ`) ?? '')?.[1];
  if (variable !== undefined) return variable;
  const group = /(docker|kubepods|libpod|lxc|containerd)/.exec(readOrNothing(`${proc}/1/cgroup`) ?? '')?.[1];
  return group === 'libpod' ? 'podman' : group === 'kubepods' ? 'kubernetes' : group;
}

/** Whether a file system of that type is mounted anywhere that this process can see. */
export const isMounted = (proc: string, type: string): boolean =>
  (readOrNothing(`${proc}/self/mounts`) ?? '').split('\n').some((line) => line.split(' ')[2] === type);
