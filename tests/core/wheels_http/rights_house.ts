/** A house with rights by project, and the people who have them. */

import type { AccessOptions } from "../../../src/wheels/http/access.ts";
import { Rights, type RightsOptions } from "../../../src/wheels/users/rights.ts";
import { House, type HouseOptions } from "./house.ts";

/** Whoever's password is their name backwards. */
const USERS: NonNullable<AccessOptions["users"]> = {
  verify: (name, password) => Promise.resolve(password === backwards(name)),
  remembers: () => Promise.resolve(false),
};

/** A house where rights hold; `access` adds to them. */
export function houseWith(
  rights: RightsOptions,
  options: HouseOptions & { readonly access?: Partial<AccessOptions> } = {},
): House {
  const { access = {}, ...rest } = options;
  return new House({
    ...rest,
    app: { ...rest.app, access: { users: USERS, rights: new Rights(rights), ...access } },
  });
}

/** The header by which somebody comes in; none for `undefined`. */
export function as(name: string | undefined): Record<string, string> {
  if (name === undefined) return {};
  return { authorization: `Basic ${btoa(`${name}:${backwards(name)}`)}` };
}

function backwards(name: string): string {
  return [...name].reverse().join("");
}
