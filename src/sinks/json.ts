import type { ItemBody } from '../alerts/item.ts';

// C1 controls, DEL, and what turns the direction of text: legal in JSON, but with effect on a terminal that shows it.
const unsafe = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/**
 * One line of JSON without its line end, pure enough for `cat` on a terminal: every control and direction character is a
 * \u escape, lone surrogates (bytes that were no UTF-8) too (ECMA-262 25.5.2 JSON.stringify is well-formed).
 */
export const jsonLine = (body: ItemBody): string =>
  JSON.stringify(body).replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
