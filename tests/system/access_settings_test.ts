// runs on: deno, node24
/** Who may do what, as people set it for a server on their machine. */

import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { ClientAddresses } from "../../src/apps/client_addresses.ts";
import { openActionsOf } from "../../src/apps/open_actions.ts";
import { serve } from "../../src/apps/serve.ts";
import { parseServeOptions } from "../../src/apps/serve_options.ts";
import { UsersFile } from "../../src/apps/users_file.ts";
import { startCairn } from "../clients/cairn_process.ts";

const RUNTIME = [process.execPath, ...("Deno" in globalThis ? ["run", "-A"] : [])];

function line(name: string, password: string): string {
  return `${name}:{SHA}${createHash("sha1").update(password).digest("base64")}\n`;
}

describe("access settings", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(`${tmpdir()}/cairn-access-`);
  });
  after(() => rm(folder, { recursive: true }));

  it("name actions, or none, and nothing else", () => {
    deepEqual(openActionsOf("list, download"), ["list", "download"]);
    deepEqual(openActionsOf("update"), ["update"]);
    deepEqual(openActionsOf("none"), []);
    for (const [text, named] of [["", ""], ["lst", "lst"], ["list,", ""], ["list,none", "none"]]) {
      throws(() => openActionsOf(text!), {
        name: "TypeError",
        message: `Cannot open "${named}": it is not list, download, update or none`,
      });
    }
  });

  it("of an upstream need one, and make sense", () => {
    const rules = ["--reserve", "acme-*", "--cooldown", "1.5", "--cooldown-exempt", "six"];
    const keeping = ["--upstream-mb", "500", "--pin", "num*"];
    const args = ["dir", "--upstream", "https://x.test/simple/", ...rules, ...keeping];
    deepEqual(parseServeOptions(args)?.upstream, {
      url: "https://x.test/simple/",
      fileHosts: [],
      maxHeldBytes: 500_000_000,
      pinned: ["num*"],
      reserved: ["acme-*"],
      cooldownMs: 129_600_000,
      exempt: ["six"],
    });
    equal(parseServeOptions(["dir"])?.upstream, undefined);
    const each = [0, 2, 4, 6, 8].map((at) => [...rules, ...keeping].slice(at, at + 2));
    for (const rule of each) {
      throws(() => parseServeOptions(["dir", ...rule]), {
        name: "TypeError",
        message: `Cannot use "${rule[0]}": it needs "--upstream"`,
      });
    }
    for (const days of ["soon", "-1", "", "1e9", "123456"]) {
      const args = ["dir", "--upstream", "https://x.test/simple/", `--cooldown=${days}`];
      throws(() => parseServeOptions(args), RangeError, days);
    }
    for (const megabytes of ["0", "-1", "", "many", "1.5"]) {
      const args = ["dir", "--upstream", "https://x.test/simple/", `--upstream-mb=${megabytes}`];
      throws(() => parseServeOptions(args), RangeError, megabytes);
    }
  });

  it("of rights need users and no list of actions, and are read from their file", async () => {
    const settings = parseServeOptions(["dir", "-u", "users", "--access", "access"])?.access;
    deepEqual(settings, {
      usersFile: "users",
      tokensFile: undefined,
      rightsFile: "access",
      open: undefined,
      fallback: undefined,
    });
    for (const rest of [[], ["-u", "users", "--open", "list"]]) {
      throws(() => parseServeOptions(["dir", "--access", "access", ...rest]), {
        name: "TypeError",
        message: 'Cannot use "--access": it needs "--users", and takes the place of "--open"',
      });
    }
    const [usersFile, rightsFile] = [`${folder}/rights.users`, `${folder}/rights.json`];
    await writeFile(usersFile, line("ann", "secret"));
    const serving = { ...parseServeOptions([`${folder}/wheels`, "-p", "0"])! };
    const unset = { tokensFile: undefined, open: undefined, fallback: undefined };
    const access = { usersFile, rightsFile, ...unset };
    await writeFile(rightsFile, '{ "raed": [] }');
    await rejects(
      serve({ ...serving, access }, () => {}),
      /Cannot open access file .*"raed" is no/,
    );
    await writeFile(rightsFile, '{ "projects": { "demo": {} } }');
    const served = await serve({ ...serving, access }, () => {});
    try {
      const headers = { authorization: `Basic ${btoa("ann:secret")}` };
      const [asked, denied] = [
        await fetch(`${served.url}/simple/demo/`),
        await fetch(
          `${served.url}/simple/demo/`,
          { headers },
        ),
      ];
      deepEqual([asked.status, denied.status], [401, 404]);
      await Promise.all([asked.text(), denied.text()]);
    } finally {
      await served.stop();
    }
  });

  it("of tokens are read from their file, and again when it has changed", async () => {
    const tokensFile = `${folder}/tokens.json`;
    const options = parseServeOptions([
      ...[`${folder}/tokened`, "-p", "0", "--tokens", tokensFile, "--open", "none"],
    ])!;
    await rejects(serve(options, () => {}), /Cannot open tokens file/);
    const write = async (token: string): Promise<void> => {
      const sha256 = createHash("sha256").update(token).digest("hex");
      await writeFile(
        tokensFile,
        JSON.stringify({ [`for-${token}`]: { sha256, scopes: ["read"] } }),
      );
    };
    await write("first");
    const served = await serve(options, () => {});
    const statusFor = async (token: string): Promise<number> => {
      const headers = { authorization: `Basic ${btoa(`__token__:${token}`)}` };
      const response = await fetch(`${served.url}/simple/`, { headers });
      await response.text();
      return response.status;
    };
    try {
      deepEqual([await statusFor("first"), await statusFor("the second")], [200, 401]);
      await write("the second");
      deepEqual([await statusFor("first"), await statusFor("the second")], [401, 200]);
      await writeFile(tokensFile, "{");
      deepEqual([await statusFor("first"), await statusFor("the second")], [401, 200]);
    } finally {
      await served.stop();
    }
  });

  it("of rules are read from their file", async () => {
    const rulesFile = `${folder}/rules.json`;
    const options = parseServeOptions([
      ...[`${folder}/ruled`, "-p", "0", "--rules", rulesFile],
      ...["--public-url", "https://wheels.example/"],
    ])!;
    deepEqual([options.house.rulesFile, options.house.publicUrl], [
      rulesFile,
      "https://wheels.example/",
    ]);
    await rejects(serve(options, () => {}), /Cannot open rules file/);
    await writeFile(rulesFile, '{ "deny": {} }');
    await rejects(serve(options, () => {}), /Cannot open rules file .*"deny" is no setting/);
    await writeFile(rulesFile, '{ "denied": { "evil": "Malware" } }');
    const served = await serve(options, () => {});
    try {
      const response = await fetch(`${served.url}/simple/evil/`);
      deepEqual([response.status, /Malware/.test(await response.text())], [403, true]);
    } finally {
      await served.stop();
    }
  });

  it("of a fallback stand alone, but for names that are ours", () => {
    const url = "https://x.test/simple/";
    deepEqual(parseServeOptions(["--fallback", url, "--reserve", "acme-*"])?.access.fallback, {
      url,
      reserved: ["acme-*"],
    });
    throws(() => parseServeOptions(["--fallback", url, "--upstream", url]), /nobody is sent/);
    throws(() => parseServeOptions(["--fallback", url, "--cooldown", "1"]), /needs "--upstream"/);
  });

  it("say whether a proxy is believed that tells where a client is", () => {
    const forwarded = "203.0.113.9, 198.51.100.7";
    for (const [isProxied, expected] of [[true, "198.51.100.7"], [false, "127.0.0.1"]] as const) {
      const clients = new ClientAddresses({ isProxied });
      const request = new Request("http://x/", { headers: { "x-forwarded-for": forwarded } });
      clients.note(request, "127.0.0.1");
      equal(clients.of(request), expected);
      const direct = new Request("http://x/");
      equal(clients.of(direct), undefined);
      clients.note(direct, "127.0.0.1");
      equal(clients.of(direct), "127.0.0.1");
    }
  });

  it("I-138: a users file that changes counts at once, a broken one changes nothing", async () => {
    const path = `${folder}/changing`;
    const logged: string[] = [];
    await writeFile(path, line("ada", "first"));
    const users = await UsersFile.open(
      path,
      (level, message) => logged.push(`${level} ${message}`),
    );
    equal(await users.verify("ada", "first"), true);
    equal(await users.remembers("ada", "first"), true);
    await writeFile(path, line("ada", "second one"));
    equal(await users.remembers("ada", "first"), false, "what is remembered ends with the file");
    equal(await users.verify("ada", "first"), false);
    equal(await users.verify("ada", "second one"), true);
    await writeFile(path, "no colon in this line\n");
    equal(await users.verify("ada", "second one"), true);
    match(logged.at(-1)!, /^error Kept the users as they were: .*line 1 is not "name:hash"/);
    await rm(path);
    equal(await users.verify("ada", "second one"), true);
    await writeFile(path, line("eve", "another"));
    equal(await users.verify("ada", "second one"), false);
    equal(await users.verify("eve", "another"), true);
  });

  it("let a server count guesses by the address of the connection, or the proxy's word", async () => {
    const path = `${folder}/users`;
    await writeFile(path, line("ada", "right"));
    for (const isProxied of [false, true]) {
      const args = [`${folder}/${isProxied}`, "--users", path, "--open", "none"];
      await using cairn = await startCairn(RUNTIME, isProxied ? [...args, "--proxied"] : args);
      const ask = async (name: string, password: string, at: number): Promise<number> => {
        const authorization = `Basic ${btoa(`${name}:${password}`)}`;
        const headers = { authorization, "x-forwarded-for": `198.51.100.${at}` };
        const response = await fetch(`${cairn.url}/simple/`, { headers });
        await response.body?.cancel();
        return response.status;
      };
      const wrong = Array.from({ length: 100 }, (_, at) => ask(`user${at}`, "wrong", at));
      ok((await Promise.all(wrong)).every((status) => status === 401));
      equal(await ask("ada", "right", 200), isProxied ? 200 : 429);
    }
  });
});
