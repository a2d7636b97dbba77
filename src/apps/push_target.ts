/** Where files are pushed to, and as whom. */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { reasonOf } from "../wheels/log.ts";
import type { Login } from "./push_options.ts";

/** An index that files are pushed to. */
export interface PushTarget {
  /** Where uploads go, without credentials. */
  readonly uploadUrl: string;
  /** What tells what is there, with credentials where it is theirs to see. */
  readonly indexUrl: string;
  /** Whether files are put to addresses of their own, as curdling's server takes them. */
  readonly isCurdling: boolean;
  /** Whether that is a simple index, and not curdling's lists of versions. */
  readonly isIndexSimple: boolean;
  /** Who pushes. */
  readonly user: string | undefined;
  /** The `Authorization` of uploads. */
  readonly authorization: string | undefined;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Makes out the addresses and reads the password. Rejects with what is wrong with them, never
 * repeating an address that may hold a password.
 */
export async function targetOf(
  to: string,
  { login, index }: { readonly login: Login; readonly index: string | undefined },
): Promise<PushTarget> {
  const address = addressOf(to, "--to");
  const credentials = await credentialsOf(address, login);
  [address.username, address.password, address.hash] = ["", "", ""];
  const isBare = address.pathname === "/" && !/^[^/]*\/\/[^/]*\//.test(to);
  if (isBare) address.pathname = "/legacy/";
  const isCurdling = /\/p\/?$/.test(address.pathname);
  if (isCurdling) address.pathname = address.pathname.replace(/\/?$/, "/");
  const beside = index === undefined ? indexBeside(address) : addressOf(index, "--index");
  if (credentials !== undefined && beside.origin === address.origin && beside.username === "") {
    [beside.username, beside.password] = [credentials.user, credentials.password].map(
      encodeURIComponent,
    ) as [string, string];
  }
  return Object.freeze({
    uploadUrl: address.href,
    indexUrl: beside.href,
    isCurdling,
    isIndexSimple: !isCurdling || index !== undefined,
    user: credentials?.user,
    authorization: credentials && basicOf(credentials),
  });
}

function addressOf(text: string, option: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new TypeError(`Cannot push: what "${option}" gives is no address with http: or https:`);
}

/**
 * Most indexes have their pages at `…/simple/`, and uploads at `…/legacy/` or at `…/`; curdling has its
 * lists at `…/api/`, and uploads at `…/p/`.
 */
function indexBeside(upload: URL): URL {
  const index = new URL(upload);
  if (index.pathname.endsWith("/p/")) {
    [index.pathname, index.search] = [index.pathname.replace(/p\/$/, "api/"), ""];
    return index;
  }
  const root = index.pathname.replace(/\/(?:legacy|simple)\/?$/, "").replace(/\/$/, "");
  [index.pathname, index.search] = [`${root}/simple/`, ""];
  return index;
}

async function credentialsOf(address: URL, login: Login): Promise<Credentials | undefined> {
  const user = login.user ?? (address.username && decodeURIComponent(address.username));
  if (user === "") {
    if (login.passwordFile === undefined) return undefined;
    throw new TypeError('Cannot push: "--password-file" needs "--user"');
  }
  const password = await passwordOf(address, login);
  if (password !== undefined) return { user, password };
  throw new TypeError(
    `Cannot push as "${user}": there is no password; give "--password-file" or set CAIRN_PASSWORD`,
  );
}

async function passwordOf(address: URL, { passwordFile }: Login): Promise<string | undefined> {
  if (passwordFile !== undefined) return await passwordIn(passwordFile);
  const password = process.env["CAIRN_PASSWORD"];
  if (password !== undefined && password !== "") return password;
  return address.password === "" ? undefined : decodeURIComponent(address.password);
}

/** The first line; editors put a line's end behind it. */
async function passwordIn(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`Cannot read password file "${path}": ${reasonOf(cause)}`, { cause });
  }
  const [password = ""] = text.split(/\r?\n/);
  if (password !== "") return password;
  throw new TypeError(`Cannot read password file "${path}": its first line is empty`);
}

function basicOf({ user, password }: Credentials): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
