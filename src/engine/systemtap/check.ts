import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import type { EngineHost } from '../engine.ts';
import { readOrNothing } from '../kernel-facts.ts';
import type { Target } from './compile.ts';
import { readKernelObject } from './kernel-object.ts';
import { manifestOf, readManifest } from './manifest.ts';

/**
 * Whether a compiled module is what its manifest says and fits this kernel and this staprun; looked at before each load, because
 * staprun's own words about a module that does not fit mislead. Undefined: it may be loaded. `host`: where it is to be loaded;
 * without one the signature is not asked for.
 */
export function checkModule(file: string, module: Module, target: Target, host?: EngineHost): Problem | undefined {
  const again = { hint: `Compile it again: tapline compile --kernel ${target.kernel} -o DIR` };
  const wrong = (what: string, more: Partial<Problem> = again) => error('ENGINE_MODULE_WRONG', `${file} ${what}.`, more);
  const unfit = (what: string, more: Partial<Problem> = again) => error('ENGINE_MODULE_UNFIT', `${file} ${what}.`, more);
  if ([file, dirname(file)].some((path) => (statSync(path).mode & 0o002) !== 0))
    return wrong('could have been changed by anybody', { hint: `chmod -R o-w ${dirname(file)}` });
  const manifest = readManifest(file);
  if (manifest === undefined) return wrong(`has no manifest beside it that can be read (${manifestOf(file)})`);
  if (manifest.goal !== module.goal.id || manifest.module !== module.name)
    return wrong(`is ${manifest.module} for ${manifest.goal}, not ${module.name} for ${module.goal.id}`);
  if (manifest.kernel !== target.kernel) return unfit(`was compiled for kernel ${manifest.kernel}; this one is ${target.kernel}`);
  if (manifest.loader !== target.loader)
    return unfit(`was compiled by SystemTap ${manifest.stap} from another package than the staprun that is installed here`, {
      hint: 'Compile with the same package of SystemTap as the one on this host.',
    });
  const object = readKernelObject(readFileSync(file));
  if (object === undefined) return wrong('is no kernel module');
  if (object.sha256 !== manifest.sha256) return wrong('is not what was compiled: its content has changed');
  if (object.name !== undefined && object.name !== module.name) return wrong(`is the module ${object.name}; its file must not be renamed`);
  if (object.kernel !== target.kernel) return unfit(`is made for kernel ${object.kernel ?? 'unknown'}; this one is ${target.kernel}`);
  const onlySigned = host && takesOnlySigned(host);
  if (!object.signed && onlySigned !== undefined)
    return error('ENGINE_MODULE_REFUSED', `${file} is not signed, and ${onlySigned}.`, {
      hint: `Sign it with a key that the kernel trusts: /usr/src/linux-headers-${target.kernel}/scripts/sign-file sha256 KEY CERTIFICATE ${file}`,
    });
  return undefined;
}

/** Why the kernel takes only signed modules; undefined where it takes any. */
export function takesOnlySigned(host: EngineHost): string | undefined {
  const lockdown = /\[(integrity|confidentiality)\]/.exec(readOrNothing(`${host.sys}/kernel/security/lockdown`) ?? '')?.[1];
  if (lockdown !== undefined) return `the kernel is locked down (${lockdown}, usually by Secure Boot) and takes only signed modules`;
  if (readOrNothing(`${host.sys}/module/module/parameters/sig_enforce`)?.trim() === 'Y')
    return 'the kernel takes only signed modules (module.sig_enforce)';
  return undefined;
}
