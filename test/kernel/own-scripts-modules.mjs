// Runs in the lab's folder (where SystemTap's examples are installed): the modules of all scripts of rules/examples, as JSON.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadProject } from './tapline/dist/goals/project.js';
import { generateModule } from './tapline/dist/generate/generate.js';
import { sinkDefinitions } from './tapline/dist/sinks/index.js';

const here = import.meta.dirname;
const examples = join(here, 'tapline/rules/examples');
const files = readdirSync(examples).map((name) => join(examples, name));
const loaded = loadProject({
  configFile: join(here, 'config/kernel.yaml'),
  goalsFolder: join(here, 'tapline/scripts-stp'),
  sinkTypes: sinkDefinitions,
  env: {},
  who: { uid: 0 },
  ruleFiles: [...files, join(here, 'config/seed.rules.yaml')],
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
const facts = { hz: 0, kernel: '', tracepoints: new Map(), engineVersion: '' };
const modules = [...loaded.value.catalogue.values()]
  .filter((goal) => goal.script !== undefined)
  .map((goal) => generateModule({ goal, rules: [], engine: 'systemtap', facts, pushdown: false }).value);
writeFileSync(join(here, 'own-scripts.json'), JSON.stringify(modules));
