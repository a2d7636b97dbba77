/** Opening Redis over HTTP by an address. */

import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { redisEntries } from "./entries.ts";
import { type RedisHttpOptions, upstashCommands, webdisCommands } from "../redis_http.ts";

/** Opens `upstash://TOKEN@HOST`; the argument `tls: false` is for servers without it. */
export function openUpstash(args: OpenerArguments): OpenedStore {
  const { url, origin } = placeOf(args, args.tls === false ? "http" : "https");
  const token = decodeURIComponent(url.password || url.username);
  const options: RedisHttpOptions = { url: origin, ...(token === "" ? {} : { token }) };
  return { ...redisEntries(upstashCommands(options), args), close };
}

/** Opens `webdis://[USER:PASSWORD@]HOST[:PORT][/DB]`; the argument `tls: true` is for https. */
export function openWebdis(args: OpenerArguments): OpenedStore {
  const { url, origin } = placeOf(args, args.tls === true ? "https" : "http");
  const user = url.username === "" ? "" : `${url.username}:${url.password}@`;
  const address = origin.replace("://", `://${user}`) + url.pathname;
  return { ...redisEntries(webdisCommands({ url: address }), args), close };
}

/** Between two requests nothing is open. */
async function close(): Promise<void> {}

function placeOf({ url }: OpenerArguments, scheme: string): { url: URL; origin: string } {
  if (url === undefined || url.host === "") {
    throw new TypeError("Cannot open Redis over HTTP: its address names no host");
  }
  return { url, origin: `${scheme}://${url.host}` };
}
