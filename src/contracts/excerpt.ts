/** Quoting what others sent, so that a message stays a message however long that is. */

const MOST_CHARACTERS = 100;

/** A text as messages quote it: of more than 100 characters the first ones and an ellipsis. */
export function excerpt(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
