import type { Goal } from './goal.ts';

const small = new Set('a an the is are was were of to my this that and or in on for it do does how why when what not'.split(' '));

/** Forms that no rule of endings finds, and error names that people paste. */
const same: ReadonlyMap<string, string> = new Map([
  ['lost', 'loss'], ['lose', 'loss'], ['losing', 'loss'], ['grew', 'grow'], ['grown', 'grow'], ['sent', 'send'], ['resent', 'resend'], ['hung', 'hang'],
  ['slower', 'slow'], ['slowly', 'slow'], ['enoent', 'such'], ['eacces', 'denied'], ['eperm', 'denied'], ['etimedout', 'timeout'], ['rst', 'reset'],
]); // prettier-ignore

/** "opens", "opened", "opening" -> "open"; rough on purpose: both sides go through it. */
const stem = (word: string): string =>
  (same.get(word) ?? word).replace(/(?<=\w{3})(ions|ion|ings|ing|ed|es|s)$/, '').replace(/(?<=\w{3})(.)\1$/, '$1');
const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '' && !small.has(word))
    .map(stem);

/** Goals that fit the words of a symptom, best first. A phrase that a goal lists counts most, then symptoms, title, fields and description. */
export function searchGoals(goals: readonly Goal[], phrase: string): Goal[] {
  const asked = [...new Set(wordsOf(phrase))];
  if (asked.length === 0) return [];
  const scored = goals.map((goal) => ({ goal, score: score(goal, asked, phrase.trim().toLowerCase()) })).filter(({ score }) => score > 0);
  return scored.sort((a, b) => b.score - a.score || (a.goal.id < b.goal.id ? -1 : 1)).map(({ goal }) => goal);
}

function score(goal: Goal, asked: readonly string[], phrase: string): number {
  const parts: readonly (readonly [weight: number, text: string])[] = [
    [8, goal.symptoms.join(' ')],
    [6, goal.id],
    [5, goal.title],
    [2, goal.fields.map((field) => `${field.name} ${field.values?.join(' ') ?? ''}`).join(' ')],
    [1, goal.description],
  ];
  let sum = goal.symptoms.some((symptom) => symptom.toLowerCase() === phrase) ? 20 : 0;
  for (const word of asked) {
    let best = 0;
    for (const [weight, text] of parts) {
      const words = wordsOf(text);
      if (words.includes(word)) best = Math.max(best, weight);
      else if (word.length >= 4 && words.some((each) => each.startsWith(word) || (each.length >= 4 && word.startsWith(each))))
        best = Math.max(best, weight / 2);
    }
    sum += best;
  }
  return sum;
}
