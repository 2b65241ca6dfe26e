import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Module } from '../../generate/module.ts';
import { error, type Problem } from '../../problem/problem.ts';
import type { Target } from './compile.ts';
import { readManifest } from './manifest.ts';

/** Why no compiled module of a goal was found: nothing is there, or only for another kernel, another staprun or other rules. */
export function whyNone(module: Module, target: Target): Problem {
  const dirs = [target.cacheDir, ...target.modulesDirs];
  const there = dirs.flatMap((dir) => manifestsIn(dir)).filter(({ goal }) => goal === module.goal.id);
  const kernels = [...new Set(there.map(({ kernel }) => kernel))];
  const here = there.filter(({ kernel }) => kernel === target.kernel);
  const why = !kernels.includes(target.kernel)
    ? kernels.length > 0
      ? ` There are some for kernel ${kernels.slice(0, 3).join(', ')}.`
      : ''
    : here.some(({ loader }) => loader === target.loader)
      ? ' Those that are there were compiled for other rules, or by another version of Tapline.'
      : ' Those that are there were compiled by another package of SystemTap than the staprun that is installed here.';
  return error(
    'ENGINE_MODULE_NONE',
    `There is no compiled module of ${module.goal.id} for kernel ${target.kernel} in ${dirs.join(', ')}.${why}`,
    {
      hint: `On a machine with the same SystemTap and this kernel's headers: tapline compile --all --kernel ${target.kernel} -o DIR; then copy DIR here.`,
    },
  );
}

/** Of all modules in a folder: DIR/KERNEL/KEY/NAME.ko. */
function manifestsIn(dir: string) {
  const names = (folder: string) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return names(dir).flatMap((kernel) =>
    names(join(dir, kernel)).flatMap((key) =>
      names(join(dir, kernel, key))
        .filter((file) => file.endsWith('.ko'))
        .flatMap((file) => readManifest(join(dir, kernel, key, file)) ?? []),
    ),
  );
}
