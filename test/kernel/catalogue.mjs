// The catalogue, read by the program itself.
import { loadGoals } from '../../dist/goals/catalogue.js';

export function catalogue(folder) {
  const goals = loadGoals(folder);
  if (!goals.ok) throw new Error(JSON.stringify(goals.problems));
  return [...goals.value.values()];
}
