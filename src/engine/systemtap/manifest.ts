import { readFileSync, writeFileSync } from 'node:fs';

/** Goes with each compiled module, NAME.json beside NAME.ko: what it is and for whom, checked before it is loaded. */
export interface ModuleManifest {
  readonly format: 1;
  /** Goal id. */
  readonly goal: string;
  /** The kernel module's name, which is its file's name too: staprun goes by it. */
  readonly module: string;
  /** `uname -r` of the kernel that it was compiled for. */
  readonly kernel: string;
  /** Version of the compiler, as stap says it. */
  readonly stap: string;
  /** Names the staprun that has to load it (available.ts: loaderId). */
  readonly loader: string;
  /** Of the module without a signature, 64 hex digits. */
  readonly sha256: string;
  /** Version of Tapline that generated it. */
  readonly tapline: string;
}

const texts = ['goal', 'module', 'kernel', 'stap', 'loader', 'sha256', 'tapline'] as const;

export const manifestOf = (moduleFile: string): string => moduleFile.replace(/\.ko$/, '.json');

export const writeManifest = (moduleFile: string, manifest: ModuleManifest): void =>
  writeFileSync(manifestOf(moduleFile), `${JSON.stringify(manifest, null, 2)}\n`);

/** Undefined where there is none that can be read. */
export function readManifest(moduleFile: string): ModuleManifest | undefined {
  try {
    const read = JSON.parse(readFileSync(manifestOf(moduleFile), 'utf8')) as Record<string, unknown>;
    return read['format'] === 1 && texts.every((name) => typeof read[name] === 'string') ? (read as unknown as ModuleManifest) : undefined;
  } catch {
    return undefined;
  }
}
