import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Observable } from 'rxjs';
import ts from 'typescript';
import type { Engine } from '../../src/engine/engine.ts';
import { parseFrame } from '../../src/engine/recording.ts';

const root = join(import.meta.dirname, '../..');

/** The stages up to the engines as JavaScript, in a new folder that any user can read. The caller removes it. */
export function compiledForAnybody(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tapline-elsewhere-'));
  const options = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    rewriteRelativeImportExtensions: true,
    verbatimModuleSyntax: true,
  };
  for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/^(problem|telemetry|config|goals|rules|generate|engine)\/.*(?<!\.test)\.ts$/.test(name)) continue;
    const out = join(folder, 'src', name.replace(/ts$/, 'js'));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, ts.transpileModule(readFileSync(join(root, 'src', name), 'utf8'), { compilerOptions: options }).outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  copyFileSync(join(import.meta.dirname, 'engine-elsewhere.mjs'), join(folder, 'engine-elsewhere.mjs'));
  cpSync(join(root, 'node_modules/rxjs'), join(folder, 'node_modules/rxjs'), {
    recursive: true,
    filter: (path) => !path.includes('/rxjs/src'),
  });
  chmodSync(folder, 0o755);
  return folder;
}

/** The procfs engine in a process of its own, in a network namespace, as nobody, without any capability. Root only. */
export const procfsAsNobody = (folder: string, namespace: string, options: object = {}): Engine => ({
  name: 'procfs',
  available: () => Promise.reject(new Error('not asked elsewhere')),
  facts: () => Promise.reject(new Error('not asked elsewhere')),
  run: (modules, _host, stop) =>
    new Observable((subscriber) => {
      const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
      const program = [process.execPath, join(folder, 'engine-elsewhere.mjs'), JSON.stringify({ modules, options })];
      const child = spawn('ip', ['netns', 'exec', namespace, ...nobody, ...program], { stdio: ['pipe', 'pipe', 'inherit'] });
      const end = () => child.stdin.end();
      stop.addEventListener('abort', end, { once: true });
      createInterface({ input: child.stdout })
        .on('line', (line) => {
          const frame = parseFrame(line);
          if (frame) subscriber.next([frame]);
        })
        .on('close', () => subscriber.complete());
      return () => child.kill('SIGKILL');
    }),
});
