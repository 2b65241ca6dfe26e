// The modules that `tapline run` will want for config/kernel.yaml, so that they can be compiled beforehand.
import { join } from 'node:path';

export async function modulesOfProject(root, facts) {
  const { loadProject } = await import(join(root, 'dist/goals/project.js'));
  const { sinkDefinitions } = await import(join(root, 'dist/sinks/index.js'));
  const { generateModule } = await import(join(root, 'dist/generate/generate.js'));
  const loaded = loadProject({
    configFile: join(import.meta.dirname, 'config/kernel.yaml'),
    goalsFolder: join(root, 'scripts-stp'),
    sinkTypes: sinkDefinitions,
    env: {},
    who: { uid: 0 },
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { rules, catalogue } = loaded.value;
  const wanted = [...new Set(rules.map((rule) => rule.goal))].map((id) => catalogue.get(id)).filter((goal) => goal.engines.systemtap);
  return wanted.map((goal) => {
    const module = generateModule({
      goal,
      rules: rules.filter((rule) => rule.goal === goal.id),
      engine: 'systemtap',
      facts,
      pushdown: true,
    });
    if (!module.ok) throw new Error(JSON.stringify(module.problems));
    return module.value;
  });
}
