/** Which wheels the asker can install, as an address may say: `?tags=cp312-none-any,py3-none-any`. */

import type { ChoiceOptions } from "../packages/query.ts";
import { expandTags } from "../packages/tags.ts";

/** An interpreter has about a thousand at most. */
const MOST_TAGS = 2_048;

/** The tags, if there are any, the best first; `"wrong"` for what are none. */
export function tagsOf(request: Request): ChoiceOptions | "wrong" {
  const stated = new URL(request.url).searchParams.getAll("tags");
  if (stated.length === 0) return {};
  const texts = stated.flatMap((text) => text.split(","));
  if (texts.length > MOST_TAGS) return "wrong";
  const expanded = texts.map((text) => expandTags(text.trim()));
  return expanded.every((tags) => tags !== undefined) ? { tags: expanded.flat() } : "wrong";
}

/** Whether the tags of an address are none. */
export function isWrong(tags: ChoiceOptions | "wrong"): tags is "wrong" {
  return tags === "wrong";
}
