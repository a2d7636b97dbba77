import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseHtpasswd, usersOf } from "../../../src/wheels/users/htpasswd.ts";
import { isSame, passwordCheck } from "../../../src/wheels/users/password_hash.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import vectors from "../../vectors/htpasswd.json" with { type: "json" };

/** "123456" and "secret", hashed once by SHA-1. */
const SHA_123456 = "{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=";
const SHA_SECRET = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=";

/** From `crypt.crypt(password, salt)` of Python 3.11 over glibc 2.36. */
const GLIBC: readonly [password: string, hash: string][] = [
  ["pässword with spaces", "$1$saltstri$ukOIcy322pmzSWeTW.TuO1"],
  ["x".repeat(20), "$1$$pSdLCuKiWRGMTAnqxXS3j1"],
  ["Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"],
  ["Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"],
  ["x".repeat(70), "$5$rounds=1001$abcdefghijklmnop$MKXmx3etUKbBP8mkaEqlqlcRhKk9g5ybiMvmOK8PsY0"],
  [
    "Hello world!",
    "$6$rounds=1000$a$etRegYB7OzfC0rKIDTD5HDOKA3TrIgjFWJWSJhckd8xeXLRNPzgrUQW.DIpjDtEzSXVe0im.mdoSw3SYoG0gl1",
  ],
  [
    "",
    "$6$$/chiBau24cE26QQVW3IfIe68Xu5.JQ4E8Ie7lcRLwqxO5cxGuBhqF2HmTL.zWJ9zjChg3yJYFXeGBQ2y3Ba1d1",
  ],
  [
    "x".repeat(130),
    "$6$rounds=1001$abcdefghijklmnop$Q6Fra/i4pQkfnRTKQXiUjVZ6feqjfYZq1TFe64NNl6.uztwOBclMuWinqqW6pUZPKyQ/srYQEXgxFn.axXANl1",
  ],
  ["eightchars", "zzypFdkl3U.E2"],
  ["eightch", "./gYCpE/ATP2A"],
];

describe("password hashes", () => {
  it("I-135: lines made by Debian's htpasswd verify, and wrong passwords do not", async () => {
    const schemes = new Set<string>();
    for (const { command, password, line } of vectors.lines) {
      const users = parseHtpasswd(line);
      schemes.add(command.split(" ")[1]!);
      equal(await users.verify("ada", password), true, `${command}: ${password}`);
      equal(await users.verify("ada", `x${password}`), false, `${command}: ${password}`);
      equal(await users.verify("bob", password), false, `${command}: ${password}`);
    }
    deepEqual([...schemes].sort(), ["-nb2", "-nb5", "-nbB", "-nbd", "-nbm", "-nbs"]);
  });

  it("verifies the answers of glibc's crypt", async () => {
    for (const [password, hash] of GLIBC) {
      equal(await passwordCheck(hash)?.(password), true, hash);
      equal(await passwordCheck(hash)?.(`x${password}y`), false, hash);
    }
  });

  it("does not know other schemes, nor hashes too costly to check", () => {
    for (
      const hash of [
        ...["", "secret", "{SSHA}abc", "$2y$17$" + "a".repeat(53), "$2y$03$" + "a".repeat(53)],
        ...["$y$j9T$abc$def", "{SHA}short=", "$apr1$salt$short", "$6$salt$" + "a".repeat(43)],
        ...[
          "$6$rounds=1000001$salt$" + "a".repeat(86),
          "$5$salt$" + "a".repeat(86),
          "abcdefghijkl",
        ],
      ]
    ) {
      equal(passwordCheck(hash), undefined, hash);
    }
  });

  it("I-136: compares texts as a whole", () => {
    equal(isSame("abc", "abc"), true);
    for (const other of ["abd", "bbc", "ab", "abcd", ""]) equal(isSame(other, "abc"), false, other);
  });
});

describe("htpasswd files", () => {
  it("I-137: comments, blank lines, CRLF, further fields and repeated users", async () => {
    const users = parseHtpasswd(
      `\ufeff# staff\r\n\r\n  \r\nada:${SHA_123456}:Ada Lovelace:x\r\n#bob:${SHA_123456}\r\n` +
        `eve:${SHA_123456}  # until May\neve:${SHA_SECRET}\n a#b:${SHA_123456}`,
    );
    deepEqual(users.names, ["a#b", "ada", "eve"]);
    equal(await users.verify("ada", "123456"), true);
    equal(await users.verify("bob", "123456"), false);
    equal(await users.verify("#bob", "123456"), false);
    equal(await users.verify("eve", "123456"), false);
    equal(await users.verify("eve", "secret"), true);
    equal(await users.verify("a#b", "123456"), true);
  });

  it("names the line that is none", () => {
    for (const line of ["ada", ":hash", "no colon here"]) {
      throws(() => parseHtpasswd(`# first\n${line}\n`), {
        name: "SyntaxError",
        message: 'Cannot read users: line 2 is not "name:hash"',
      });
    }
  });

  it("lists users under whose name nobody comes in", async () => {
    const users = parseHtpasswd(`ada:plain\nbob:${SHA_SECRET}\n`);
    deepEqual(users.names, ["bob"]);
    deepEqual(users.unusable, ["ada"]);
    equal(await users.verify("ada", "plain"), false);
    equal(await users.verify("ada", "secret"), false);
  });

  it("lets nobody in where there are no users", async () => {
    const users = parseHtpasswd("# nobody yet\n");
    equal(await users.verify("", ""), false);
    equal(await users.verify("ada", "secret"), false);
  });

  it("does not mistake properties of objects for users", async () => {
    const users = parseHtpasswd(`ada:${SHA_SECRET}\n`);
    for (const name of ["__proto__", "constructor", "toString"]) {
      equal(await users.verify(name, "secret"), false, name);
    }
  });

  it("refuses options that are no numbers from 0", () => {
    for (const options of [{ rememberMs: -1 }, { rememberMs: NaN }, { mostRemembered: -1 }]) {
      throws(() => parseHtpasswd("", options), { name: "RangeError" });
    }
  });
});

/** Users whose password is "secret", and a count of the checks made. */
function makeUsers(options: { rememberMs?: number; mostRemembered?: number } = {}) {
  const clock = new ManualClock();
  const count = { ada: 0, bob: 0, eve: 0 };
  const names = ["ada", "bob", "eve"] as const;
  const checks = new Map(names.map((name) => [name, async (password: string) => {
    count[name]++;
    return password === "secret";
  }]));
  const total = () => count.ada + count.bob + count.eve;
  return { clock, count, total, users: usersOf(checks, { clock, ...options }) };
}

describe("unknown users", () => {
  it("cost one check each, of a user that is always the same for the same name", async () => {
    const { count, total, users } = makeUsers();
    const chosen = new Set<string>();
    for (let index = 0; index < 100; index++) {
      const before = { ...count };
      equal(await users.verify(`nobody ${index}`, "secret"), false);
      equal(await users.verify(`nobody ${index}`, "secret"), false);
      const grown = (["ada", "bob", "eve"] as const).filter((name) =>
        count[name] === before[name] + 2
      );
      equal(grown.length, 1);
      chosen.add(grown[0]!);
    }
    equal(total(), 200);
    equal(chosen.size, 3);
  });

  it("cost as much as a wrong password", async () => {
    const { total, users } = makeUsers();
    equal(await users.verify("ada", "wrong"), false);
    equal(total(), 1);
    equal(await users.verify("nobody", "wrong"), false);
    equal(total(), 2);
  });
});

describe("remembered users", () => {
  it("I-139: a right password is remembered for as long as stated, and no longer", async () => {
    const { clock, count, users } = makeUsers({ rememberMs: 1000 });
    equal(await users.verify("ada", "secret"), true);
    equal(await users.verify("ada", "secret"), true);
    await clock.advance(999);
    equal(await users.verify("ada", "secret"), true);
    equal(count.ada, 1);
    await clock.advance(1);
    equal(await users.verify("ada", "secret"), true);
    equal(await users.verify("ada", "secret"), true);
    equal(count.ada, 2);
  });

  it("I-139: a wrong password is wrong while the right one is remembered", async () => {
    const { count, users } = makeUsers();
    equal(await users.verify("ada", "secret"), true);
    for (const [name, password] of [["ada", "secret "], ["adas", "ecret"], ["adasecret", ""]]) {
      equal(await users.verify(name!, password!), false, name);
    }
    equal(await users.verify("bob", "secret"), true);
    equal(count.bob >= 1, true);
  });

  it("I-139: a wrong password is not remembered", async () => {
    const { count, users } = makeUsers();
    for (let turn = 0; turn < 3; turn++) equal(await users.verify("ada", "wrong"), false);
    equal(count.ada, 3);
  });

  it("I-139: the oldest is forgotten when there are too many", async () => {
    const { total, users } = makeUsers({ mostRemembered: 2 });
    for (const name of ["ada", "bob", "eve", "bob", "eve"]) await users.verify(name, "secret");
    equal(total(), 3);
    await users.verify("ada", "secret");
    equal(total(), 4);
  });

  it("remembers nothing when told so, and a clock set back prolongs nothing", async () => {
    const forgetful = makeUsers({ rememberMs: 0 });
    await forgetful.users.verify("ada", "secret");
    await forgetful.users.verify("ada", "secret");
    equal(forgetful.count.ada, 2);

    const { clock, count, users } = makeUsers({ rememberMs: 1000 });
    await users.verify("ada", "secret");
    clock.set(clock.now() - 3_600_000);
    await users.verify("ada", "secret");
    equal(count.ada, 2);
  });

  it("checks once for requests that come together", async () => {
    const { count, users } = makeUsers();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => users.verify("ada", "secret")),
    );
    ok(answers.every((answer) => answer));
    equal(count.ada, 1);
  });

  it("forgets a check that failed, and passes its error on", async () => {
    let count = 0;
    const users = usersOf(
      new Map([["ada", async () => {
        if (++count === 1) throw new Error("no entropy");
        return true;
      }]]),
    );
    await rejects(users.verify("ada", "x"), { message: "no entropy" });
    equal(await users.verify("ada", "x"), true);
  });
});

describe("passwords", () => {
  it("may hold colons, blanks and any script", async () => {
    for (
      const { password, line } of vectors.lines.filter(({ password }) => /[^a-z]/.test(password))
    ) {
      equal(await parseHtpasswd(line).verify("ada", password), true, password);
    }
  });

  it("are refused unread when longer than any password", async () => {
    const users = parseHtpasswd(`ada:${SHA_SECRET}`);
    equal(await users.verify("ada", "x".repeat(1_000_000)), false);
  });
});
