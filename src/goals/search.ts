import type { Goal } from './goal.ts';
import { termsOf } from './words.ts';

/** Where a word stands, and how much that says. What people say of their trouble counts most. */
const weights = { symptoms: 8, id: 6, title: 5, fields: 2, description: 1 } as const;
/** A word that only begins like one that was asked, or the other way round. */
const begins = 0.5;
/** A whole symptom that is asked word for word. */
const phraseBonus = 3;

interface Indexed {
  readonly goal: Goal;
  /** Term -> weight of the best place where it stands. */
  readonly terms: ReadonlyMap<string, number>;
  readonly symptoms: readonly (readonly string[])[];
}

/**
 * Goals that fit the words of a symptom, best first. A word counts by where it stands and by how rare it is among the goals (of
 * "slow disk", "disk" says more where many goals are about slowness); a symptom that is asked as a whole counts once more.
 */
export function searchGoals(goals: readonly Goal[], phrase: string): Goal[] {
  const asked = [...new Set(termsOf(phrase))];
  if (asked.length === 0) return [];
  const index = goals.map(indexed);
  const rarity = new Map(asked.map((term) => [term, rarityOf(term, index)] as const));
  const scored = index.map((each) => ({ goal: each.goal, score: scoreOf(each, asked, rarity) })).filter(({ score }) => score > 0);
  return scored.sort((a, b) => b.score - a.score || (a.goal.id < b.goal.id ? -1 : 1)).map(({ goal }) => goal);
}

function indexed(goal: Goal): Indexed {
  const terms = new Map<string, number>();
  const add = (text: string, weight: number) => {
    for (const term of termsOf(text)) terms.set(term, Math.max(weight, terms.get(term) ?? 0));
  };
  add(goal.symptoms.join(' '), weights.symptoms);
  add(goal.id, weights.id);
  add(goal.title, weights.title);
  add(goal.fields.map(({ name, values }) => `${name} ${values?.join(' ') ?? ''}`).join(' '), weights.fields);
  add(goal.description, weights.description);
  return { goal, terms, symptoms: goal.symptoms.map(termsOf) };
}

/** The weight of a term in a goal; terms that begin alike count half. */
function weightOf(term: string, { terms }: Indexed): number {
  const exact = terms.get(term);
  if (exact !== undefined) return exact;
  let best = 0;
  if (term.length >= 4)
    for (const [other, weight] of terms)
      if (other.length >= 4 && (other.startsWith(term) || term.startsWith(other))) best = Math.max(best, weight * begins);
  return best;
}

/** Inverse document frequency, counting only places that say something; 1 for a word of every goal, more for a rare one. */
function rarityOf(term: string, index: readonly Indexed[]): number {
  const holders = index.filter((each) => weightOf(term, each) >= weights.title * begins).length;
  return 1 + Math.log((index.length + 1) / (holders + 1));
}

function scoreOf(each: Indexed, asked: readonly string[], rarity: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const term of asked) sum += weightOf(term, each) * (rarity.get(term) ?? 1);
  const whole = each.symptoms
    .filter((symptom) => symptom.length > 0 && symptom.every((term) => rarity.has(term)))
    .map((symptom) => new Set(symptom).size / asked.length);
  return sum * (1 + phraseBonus * Math.max(0, ...whole) * 0.2);
}
