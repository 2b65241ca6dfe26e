// Runs in the lab's folder (where SystemTap's examples are installed): the modules of all scripts of rules/examples, as JSON.
import { readdirSync, writeFileSync } from 'node:fs';
import { loadProject } from './tapline/dist/goals/project.js';
import { generateModule } from './tapline/dist/generate/generate.js';
import { sinkDefinitions } from './tapline/dist/sinks/index.js';

const files = readdirSync('/work/tapline/rules/examples').map((name) => `/work/tapline/rules/examples/${name}`);
const loaded = loadProject({
  configFile: '/work/config/kernel.yaml',
  goalsFolder: '/work/tapline/scripts-stp',
  sinkTypes: sinkDefinitions,
  env: {},
  who: { uid: 0 },
  ruleFiles: [...files, '/work/config/seed.rules.yaml'],
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
const facts = { hz: 0, kernel: '', tracepoints: new Map(), engineVersion: '' };
const modules = [...loaded.value.catalogue.values()]
  .filter((goal) => goal.script !== undefined)
  .map((goal) => generateModule({ goal, rules: [], engine: 'systemtap', facts, pushdown: false }).value);
writeFileSync('/work/own-scripts.json', JSON.stringify(modules));
