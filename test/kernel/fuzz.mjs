// Modules of random rules through SystemTap's parser, and some through its semantic pass for the lab's kernel: before the VM boots.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { different, modulesOf, randomRules } from '../lab/fuzz-rules.mjs';

const parsed = 300;
const understood = 20;
/** Part of the names of the checks. */
export const fuzzNames = 'different modules of random rules';

/** `inside`: runs a command in the lab's folder. Resolves with a line for each check: its name, and what was wrong. */
export async function fuzzed({ root, lab, inside, kernel, goals, facts, generateModule }) {
  const sets = randomRules(
    goals.filter((goal) => goal.engines.systemtap?.template),
    3000,
    20_260_103,
  );
  const modules = different(modulesOf(sets, 'systemtap', facts, generateModule), parsed);
  const folder = mkdtempSync(join(tmpdir(), 'tapline-fuzz-'));
  try {
    cpSync(join(root, 'scripts-stp/lib'), join(folder, 'lib'), { recursive: true });
    modules.forEach(({ source }, i) => writeFileSync(join(folder, `${i}.stp`), source));
    const pass = async (name, number, options) => {
      const started = performance.now();
      const said = await Promise.all([0, 1].map((half) => refusedBy(inside, lab, folder, `stap ${options}`, half, number)));
      const ms = Math.round(performance.now() - started);
      return { name, ms, why: modules.length < number ? `only ${modules.length} modules were made` : said.join('').slice(0, 4000) };
    };
    return [
      await pass(`${parsed} ${fuzzNames}: stap -p1 parses each`, parsed, `-p1 -r ${kernel}`),
      await pass(`${understood} ${fuzzNames}: stap -p2 resolves each for the lab's kernel`, understood, `-p2 -r ${kernel}`),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the command says of the files that it refuses, of every second one of the first `number`. */
async function refusedBy(inside, lab, folder, command, half, number) {
  const loop = `for ((i = ${half}; i < ${number}; i += 2)); do said=$(${command} -I lib $i.stp 2>&1 >/dev/null) || { cat $i.stp; echo "$said"; }; done`;
  const child = spawn(inside, [lab, folder, 'bash', '-c', loop], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = await once(child, 'close');
  return code === 0 ? said : `${said}exit status ${code}`;
}
