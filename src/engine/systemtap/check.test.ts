import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelObject, signed } from '../../../test/lab/kernel-object.ts';
import type { Module } from '../../generate/module.ts';
import { spawnInGroup } from '../child.ts';
import type { EngineHost } from '../engine.ts';
import { checkModule } from './check.ts';
import { whyNone } from './elsewhere.ts';
import { readKernelObject } from './kernel-object.ts';
import { manifestOf, readManifest, writeManifest, type ModuleManifest } from './manifest.ts';

let root: string;
let file: string;
const kernel = '7.2.12-test';
const module: Module = {
  id: '0123456789ab',
  name: 'tapline_test_goal_0123456789ab',
  goal: {
    id: 'test.goal',
    title: '',
    description: '',
    symptoms: [],
    cost: '',
    cannot: {},
    parameters: [],
    fields: [],
    key: [],
    engines: {},
  },
  engine: 'systemtap',
  source: '',
  rules: [],
  pushdown: [],
};
const target = () => ({ kernel, loader: 'abc', stap: '5.6', cacheDir: join(root, 'none'), modulesDirs: [join(root, 'dir')] });
const host = (): EngineHost => ({
  spawn: spawnInGroup,
  clock: { nowUs: () => 1 },
  proc: join(root, 'proc'),
  sys: join(root, 'sys'),
  hostname: 'h',
  uid: 0,
});
const object = kernelObject(module.name, kernel);
const manifest: ModuleManifest = {
  format: 1,
  goal: 'test.goal',
  module: module.name,
  kernel,
  stap: '5.6',
  loader: 'abc',
  sha256: readKernelObject(object)?.sha256 ?? '',
  tapline: '0.1.0',
};
const check = () => checkModule(file, module, target(), host());

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tapline-check-'));
  file = join(root, 'dir', kernel, 'key', `${module.name}.ko`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, object);
  writeManifest(file, manifest);
});
afterEach(() => rmSync(root, { recursive: true }));

test('a module that is what its manifest says, for this kernel and this staprun, may be loaded', () => {
  expect(readManifest(file)).toEqual(manifest);
  expect(check()).toBeUndefined();
});

test.each([
  ['another kernel in the manifest', { kernel: '6.1.0' }, 'ENGINE_MODULE_UNFIT', 'was compiled for kernel 6.1.0; this one is 7.2.12-test'],
  ['another staprun', { loader: 'x' }, 'ENGINE_MODULE_UNFIT', 'another package'],
  ['another goal', { goal: 'other.goal' }, 'ENGINE_MODULE_WRONG', 'for other.goal'],
  ['another module', { module: 'tapline_x' }, 'ENGINE_MODULE_WRONG', 'is tapline_x'],
  ['another hash', { sha256: '0' }, 'ENGINE_MODULE_WRONG', 'its content has changed'],
] as const)('%s: refused, with what to do', (_name, change, code, words) => {
  writeManifest(file, { ...manifest, ...change });
  expect(check()).toMatchObject({ code, message: expect.stringContaining(words) as string, hint: expect.any(String) as string });
});

test('what the file itself says counts, whatever its manifest says', () => {
  const put = (content: Buffer) => {
    writeFileSync(file, content);
    writeManifest(file, { ...manifest, sha256: readKernelObject(content)?.sha256 ?? '' });
  };
  put(kernelObject(module.name, '6.1.0-35-amd64'));
  expect(check()).toMatchObject({ code: 'ENGINE_MODULE_UNFIT', message: expect.stringContaining('6.1.0-35-amd64') as string });
  put(kernelObject('tapline_other', kernel));
  expect(check()).toMatchObject({ code: 'ENGINE_MODULE_WRONG', message: expect.stringContaining('must not be renamed') as string });
  for (const size of [0, 3, 64, object.length - 70]) {
    put(object.subarray(0, size));
    expect(check()).toMatchObject({ code: 'ENGINE_MODULE_WRONG', message: expect.stringContaining('no kernel module') as string });
  }
});

test('without its manifest, or where anybody could have changed it: refused', () => {
  chmodSync(file, 0o666);
  expect(check()).toMatchObject({ code: 'ENGINE_MODULE_WRONG', hint: `chmod -R o-w ${dirname(file)}` });
  chmodSync(file, 0o644);
  writeFileSync(manifestOf(file), '{"format":2}');
  expect(check()).toMatchObject({ code: 'ENGINE_MODULE_WRONG', message: expect.stringContaining('no manifest') as string });
});

test('where the kernel takes signed modules only, the signature is asked for; signing changes nothing of the hash', () => {
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put('sys/module/module/parameters/sig_enforce', 'Y\n');
  expect(check()).toMatchObject({ code: 'ENGINE_MODULE_REFUSED', hint: expect.stringContaining('sign-file') as string });
  writeFileSync(file, signed(object));
  expect(readKernelObject(readFileSync(file))).toMatchObject({ signed: true, sha256: manifest.sha256, kernel, name: module.name });
  expect(check()).toBeUndefined();
});

test('where no module is found, what there is instead is said', () => {
  const here = () => whyNone(module, target());
  expect(here()).toMatchObject({ code: 'ENGINE_MODULE_NONE', message: expect.stringContaining('compiled for other rules') as string });
  writeManifest(file, { ...manifest, loader: 'x' });
  expect(here().message).toContain('another package');
  writeManifest(file, { ...manifest, kernel: '6.1.0' });
  expect(here().message).toContain('There are some for kernel 6.1.0.');
  expect(here().hint).toContain(`--kernel ${kernel}`);
});
