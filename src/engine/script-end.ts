import { warning, type Problem } from '../problem/problem.ts';

/** Pause before a script that came to its end is started again. */
export const againMs = 1000;

/** A script that calls exit(), as some do after their report, has not failed. Told once a script. */
export const endsByItself = (goal: string): Problem =>
  warning('ENGINE_SCRIPT_ENDED', `The script of ${goal} ends by itself; it is started again each time, and nothing is seen in between.`);
