import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProject } from '../../src/goals/project.ts';
import type { Problem } from '../../src/problem/problem.ts';
import { sinkDefinitions } from '../../src/sinks/index.ts';

export const seed = 'probe syscall.open { printf("%s(%d) open\\n", execname(), pid()) }\n';

/** A project of one rule file, whose `scripts` are this YAML, loaded as `uid` would. */
export function loadScripts(scripts: string, more: { rule?: string; uid?: number; files?: Readonly<Record<string, string>> } = {}) {
  const { rule = '', uid = 1000, files = {} } = more;
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'tapline-script-'));
  writeFileSync(join(folder, 'open.stp'), seed);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'tapline.yaml'), 'rules: [rules.yaml]\nsinks: { out: { type: stdout } }\n');
  writeFileSync(
    join(folder, 'rules.yaml'),
    `scripts:\n${scripts}groups:\n  - name: g\n    rules:\n${rule === '' ? '      []' : `      - { ${rule} }`}\n`,
  );
  const loadAs = (as: number) =>
    loadProject({
      configFile: join(folder, 'tapline.yaml'),
      goalsFolder: join(import.meta.dirname, '../../scripts-stp'),
      sinkTypes: sinkDefinitions,
      env: {},
      who: { uid: as },
    });
  const loaded = loadAs(uid);
  const shown = ({ code, severity, place }: Problem) =>
    `${place?.file.split('/').at(-1)}:${place?.line}:${place?.column} ${severity} ${code}`;
  return {
    folder,
    loaded,
    loadAs,
    told: loaded.problems.map(shown),
    words: loaded.problems.map(({ message, hint }) => `${message} ${hint ?? ''}`),
  };
}

export const seedScript =
  '  seed.open: { script: open.stp, trusted: true, pattern: "{comm}({pid:int}) open", fields: { pid: { unit: pid } }, key: [comm] }\n';
