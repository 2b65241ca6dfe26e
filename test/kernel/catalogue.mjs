// Goals as their goal.yaml files have them; all of them are checked elsewhere.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const catalogue = (folder) =>
  readdirSync(folder)
    .filter((id) => existsSync(join(folder, id, 'goal.yaml')))
    .map((id) => {
      const goal = parse(readFileSync(join(folder, id, 'goal.yaml'), 'utf8'));
      const fields = Object.entries(goal.fields).map(([name, field]) => ({ name, optional: false, ...field }));
      return { ...goal, fields, engines: goal.engines ?? {}, folder: join(folder, id) };
    });
