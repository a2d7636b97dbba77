import { deepEqual, equal, notDeepEqual, notEqual, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteHasher } from "../../../src/hash/byte_hasher.ts";
import { type KetamaOptions, ketamaOver, type KetamaRing } from "../../../src/hash/ketama.ts";
import { movedShare, movedShareOf } from "../../../src/hash/moved_share.ts";
import namespaced from "../../vectors/ketama_namespace.json" with { type: "json" };
import { kernels } from "./kernels.ts";
import { md5Words } from "./oracle.ts";

const hosts = Array.from({ length: 10 }, (_, i) => `10.0.1.${i + 1}`);
const keys = Array.from({ length: 3_000 }, (_, i) => `user:${i}:profile`);

function counts(ring: KetamaRing): number[] {
  const counts = ring.labels.map(() => 0);
  for (const owner of ring.points().owners) counts[owner]!++;
  return counts;
}

/** The points that the names of one shard must give. */
function pointsOf(names: readonly string[]): number[] {
  return names.flatMap((name) => md5Words(name)).sort((a, b) => a - b);
}

function namesOf(stem: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${stem}-${i}`);
}

for (const kernel of kernels) {
  const ketama = (options: KetamaOptions): KetamaRing => ketamaOver(kernel, options);

  describe(`ketama over the ${kernel.kind} kernel`, () => {
    it("names points as each mode's original does", () => {
      const stems: [KetamaOptions["mode"] & string, string, string][] = [
        ["libmemcached-weighted", "h", "h:11212"],
        ["libmemcached-spy", "/h:11211", "/h:11212"],
        ["libketama", "h:11211", "h:11212"],
        ["twemproxy", "h", "h:11212"],
        ["spymemcached", "h", "h:11212"],
        ["exact160", "h:11211", "h:11212"],
      ];
      for (const [mode, plain, other] of stems) {
        for (const [shard, stem] of [["h", plain], ["h:11211", plain], ["h:11212", other]]) {
          const { values } = ketama({ mode, shards: [shard!] }).points();
          deepEqual(Array.from(values), pointsOf(namesOf(stem!, 40)), `${mode} ${shard}`);
        }
        const named = ketama({ mode, shards: [{ host: "h", port: 5, name: "beta" }] });
        deepEqual(Array.from(named.points().values), pointsOf(namesOf("beta", 40)), mode);
        deepEqual(named.labels, ["beta"]);
      }
    });

    it("gives equal shards 156 points where 32-bit floats say so, and 160 in exact modes", () => {
      for (const [size, points] of [[24, 160], [25, 156], [47, 156], [50, 156], [100, 156]]) {
        const shards = namesOf("host", size!);
        deepEqual(new Set(counts(ketama({ shards }))), new Set([points]));
        deepEqual(new Set(counts(ketama({ mode: "twemproxy", shards }))), new Set([points]));
        for (const mode of ["exact160", "spymemcached"] as const) {
          deepEqual(new Set(counts(ketama({ mode, shards }))), new Set([160]));
        }
      }
      const shards = namesOf("host", 61);
      deepEqual(new Set(counts(ketama({ mode: "libketama", shards }))), new Set([156]));
      const weighted = shards.map((host) => ({ host, weight: 1 }));
      const spied = ketama({ mode: "spymemcached", shards: weighted });
      deepEqual(new Set(counts(spied)), new Set([156]), "given weights switch the float way on");
    });

    it("computes libketama's counts in double precision before rounding once", () => {
      const shards = [3, 5, 9].map((weight, i) => ({ host: `h${i}`, weight }));
      const total = 17;
      const expected = shards.map(({ weight }) => {
        const share = Math.fround(weight / total);
        return 4 * Math.floor(Math.fround(share * 40.0 * 3));
      });
      deepEqual(counts(ketama({ mode: "libketama", shards })), expected);
    });

    it("gives equal points to the first shard, in spymemcached's ring to the last", () => {
      const shards = [{ host: "a", name: "x" }, { host: "b", name: "x" }, { host: "c" }];
      const ring = ketama({ shards });
      ok(!ring.indexOfMany(keys).includes(1));
      // Two names share no digest, so a tie is made by hashing to fifteen bits.
      const wide = { hash: "crc" as const, shards: namesOf("s", 200) };
      const last = ketama({ ...wide, mode: "spymemcached" }).points();
      const first = ketama({ ...wide, mode: "libmemcached" }).points();
      const isTie = (values: Uint32Array, i: number): boolean => values[i] === values[i + 1];
      const ties = [first, last].map(({ values }) =>
        [...values.keys()].filter((i) => i + 1 < values.length && isTie(values, i))
      );
      ok(ties[0]!.length > 0 && ties[1]!.length > 0);
      ok(ties[0]!.every((i) => first.owners[i]! <= first.owners[i + 1]!));
      ok(ties[1]!.every((i) => last.owners[i]! >= last.owners[i + 1]!));
    });

    it("hashes keys as each mode's original does unless told otherwise", () => {
      const expected = { twemproxy: "fnv1a_64", libmemcached: "default", modula: "default" };
      for (const [mode, hash] of Object.entries(expected)) {
        const shards = hosts;
        const told = { mode: mode as keyof typeof expected, shards };
        const ring = ketama(told);
        const same = ketama({ ...told, hash: hash as KetamaOptions["hash"] & string });
        deepEqual(ring.indexOfMany(keys), same.indexOfMany(keys));
        notDeepEqual(ring.indexOfMany(keys), ketama({ ...told, hash: "md5" }).indexOfMany(keys));
      }
    });

    it("uses the weighted ring in mode libmemcached as soon as a weight is above 1", () => {
      const light = hosts.slice(0, 3).map((host) => ({ host, weight: 1 }));
      const heavy = light.map((shard, i) => ({ ...shard, weight: i + 1 }));
      deepEqual(counts(ketama({ mode: "libmemcached", shards: light })), [100, 100, 100]);
      deepEqual(
        counts(ketama({ mode: "libmemcached", shards: heavy })),
        counts(ketama({ shards: heavy })),
      );
      const kept = ketama({ mode: "libmemcached", shards: heavy, weighted: false });
      deepEqual(counts(kept), [100, 100, 100]);
    });

    it("takes unix sockets in both styles", () => {
      const path = "/var/run/memcached.sock";
      const points = (options: Partial<KetamaOptions>): number[] =>
        Array.from(ketama({ shards: [path], ...options }).points().values);
      deepEqual(points({}), pointsOf(namesOf(`${path}:0`, 40)));
      deepEqual(points({ unixStyle: "tcp" }), pointsOf(namesOf(path, 40)));
    });

    it("reads shards in text", () => {
      const shards = ["a", "a:1", "[::1]:2", "[::1]", "::1", "/p:3", "a:b:4", "müller:5"];
      const ring = ketama({ shards });
      deepEqual(ring.labels, ["a", "a:1", "::1:2", "::1", "::1", "/p:3", "a:b:4", "müller:5"]);
      const stem = (shard: string): number => ketama({ shards: [shard] }).points().values[0]!;
      equal(stem("[::1]:2"), pointsOf(namesOf("::1:2", 40))[0]);
      equal(stem("a:b:4"), pointsOf(namesOf("a:b:4", 40))[0], "no port can be told apart here");
    });

    it("sorts hosts byte by byte and then by port, if asked to", () => {
      const shards = ["zeta:11213", "alpha:11299", "zeta", "Beta", "alpha", "\u{1f600}", "\uff5e"];
      const sorted = ["Beta", "alpha", "alpha:11299", "zeta", "zeta:11213", "\uff5e", "\u{1f600}"];
      const ring = ketama({ shards, sortHosts: true });
      deepEqual(ring.labels, sorted);
      const same = ketama({ shards: sorted });
      deepEqual(ring.indexOfMany(keys), same.indexOfMany(keys));
    });

    it("chooses under a hashed namespace as libmemcached does", () => {
      for (const mode of ["libmemcached-weighted", "libmemcached"] as const) {
        const ring = ketama({ mode, shards: hosts, namespace: "myapp:" });
        const asked = namespaced[mode].map(([key]) => key as string);
        const expected = namespaced[mode].map(([, index]) => index as number);
        deepEqual(asked.map((key) => ring.indexOf(key)), expected);
        deepEqual(Array.from(ring.indexOfMany(asked)), expected);
        const bytes = new TextEncoder().encode(asked.join(""));
        let end = 0;
        const ends = Uint32Array.from(asked, ({ length }) => end += length);
        deepEqual(Array.from(ring.indexOfManyBytes({ bytes, ends })), expected);
        const users = ring.prefixed("user:");
        equal(users.indexOf("1:profile"), ring.indexOf("user:1:profile"));
      }
    });

    it("hashes as on ARM if char is said to be unsigned", () => {
      const hash = (sign: "signed" | "unsigned", key: string): number =>
        new ByteHasher("default", sign).hash("", key);
      equal(hash("signed", "clé:1"), 3879355461);
      equal(hash("unsigned", "clé:1"), 2933035424);
      equal(hash("unsigned", "cle:1"), hash("signed", "cle:1"));
      const told = { mode: "libmemcached", shards: hosts } as const;
      const accented = keys.map((key) => `é${key}`);
      const indexes = (charSign: "signed" | "unsigned"): Uint16Array =>
        ketama({ ...told, charSign }).indexOfMany(accented);
      notDeepEqual(indexes("signed"), indexes("unsigned"));
    });

    it("answers the same with a resident prefix, whoever else uses the kernel", () => {
      const ring = ketama({ shards: hosts });
      const users = ring.prefixed("user:");
      const accented = ring.prefixed("é".repeat(30));
      const long = ring.prefixed("p".repeat(5_000));
      for (const key of ["1", "", "é", "k".repeat(80), "k".repeat(4_090), "\ud83d\ude00"]) {
        equal(users.indexOf(key), ring.indexOf(`user:${key}`));
        equal(accented.indexOf(key), ring.indexOf("é".repeat(30) + key));
        equal(long.indexOf(key), ring.indexOf("p".repeat(5_000) + key));
        kernel.sha1Hex("something else");
        equal(users.indexOf(key), ring.indexOf(`user:${key}`));
      }
      const rest = keys.map((key) => key.slice(5));
      deepEqual(users.indexOfMany(rest), ring.indexOfMany(keys));
      equal(users.labels, ring.labels);
      throws(() => ring.prefixed("\ud83d"), /ends within a character/);
      throws(() => ketama({ shards: hosts, namespace: "\ud83d" }), RangeError);
    });

    it("takes keys of any length and any Unicode; a lone surrogate counts as U+FFFD", () => {
      const ring = ketama({ shards: hosts });
      const odd = [
        ...[0, 1, 55, 56, 63, 64, 65, 119, 120, 4_031, 4_032, 4_033, 4_096, 65_535, 65_536, 200_000]
          .flatMap((length) => ["k".repeat(length), "é".repeat(length)]),
        ...["\u0000", "\u007f", "\u0080", "\u07ff", "\u0800", "\uffff", "\u{10ffff}", "\ud800"],
      ];
      const expected = odd.map((key) => {
        const hash = md5Words(key.length > 70_000 ? "" : key)[0]!;
        if (key.length > 70_000) return ring.indexOf(key);
        const { values, owners } = ring.points();
        const point = values.findIndex((value) => value >= hash);
        return owners[Math.max(point, 0)]!;
      });
      deepEqual(odd.map((key) => ring.indexOf(key)), expected);
      deepEqual(Array.from(ring.indexOfMany(odd)), expected);
      equal(kernel.hash("", "a\ud800b"), kernel.hash("", "a\ufffdb"));
      equal(kernel.hash("", "\udc00".repeat(70)), kernel.hash("", "\ufffd".repeat(70)));
      equal(kernel.hashMany(["\ud83d", "\ude00"], 0, ""), 2);
      deepEqual([...kernel.hashes.subarray(0, 2)], [md5Words("\ufffd")[0], md5Words("\ufffd")[0]]);
    });

    it("writes a batch where it is told to, and refuses too little room", () => {
      const ring = ketama({ shards: hosts });
      const out = new Uint16Array(keys.length + 1).fill(99);
      equal(ring.indexOfMany(keys, out), out);
      deepEqual(out.subarray(0, -1), ring.indexOfMany(keys));
      equal(out.at(-1), 99);
      throws(() => ring.indexOfMany(keys, new Uint16Array(2)), RangeError);
      deepEqual(ring.indexOfMany([]), new Uint16Array(0));
    });

    it("moves only the keys of an ejected shard, and gives them back", () => {
      const ring = ketama({ shards: hosts });
      const users = ring.prefixed("user:");
      const before = ring.indexOfMany(keys);
      equal(ring.eject(3), true);
      equal(ring.eject(3), false);
      ok(!ring.isLive(3) && ring.isLive(4));
      const during = ring.indexOfMany(keys);
      before.forEach((index, i) => index === 3 ? notEqual(during[i], 3) : equal(during[i], index));
      equal(users.indexOf("7:profile"), ring.indexOf("user:7:profile"), "views follow");
      equal(ring.restore(3), true);
      equal(ring.restore(3), false);
      deepEqual(ring.indexOfMany(keys), before);
      for (let index = 0; index < 9; index++) ok(ring.eject(index));
      equal(ring.eject(9), false, "the last one stays");
      ok(ring.indexOfMany(keys).every((index) => index === 9));
      throws(() => ring.eject(10), /Cannot find shard 10: the ring has 10 shards/);
      equal(ketama({ mode: "modula", shards: hosts }).eject(0), false);
    });

    it("tells the share of keys that move", () => {
      const ten = ketama({ shards: hosts });
      const eleven = ketama({ shards: [...hosts, "10.0.1.11"] });
      equal(movedShare(ten, ketama({ shards: hosts })), 0);
      const exact = movedShare(ten, eleven);
      ok(Math.abs(exact - 1 / 11) < 0.02, `${exact}`);
      const many = Array.from({ length: 40_000 }, (_, i) => `key ${i}`);
      ok(Math.abs(movedShareOf(many, ten, eleven) - exact) < 0.01);
      equal(movedShare(eleven, ten), exact);
      equal(movedShare(ten, ketama({ shards: hosts.map((host) => `x${host}`) })), 1);
      equal(movedShare(ten, ketama({ shards: [...hosts].reverse() })), 0, "labels count");
      const crc = { mode: "libmemcached", hash: "crc" } as const;
      const crcTen = ketama({ ...crc, shards: hosts });
      const crcNine = ketama({ ...crc, shards: hosts.slice(1) });
      const sampled = movedShareOf(many, crcTen, crcNine);
      ok(Math.abs(movedShare(crcTen, crcNine) - sampled) < 0.01);
      throws(() => movedShare(ten, crcTen), /hashed by md5 and by crc signed/);
      throws(() => movedShare(ten, ketama({ shards: hosts, namespace: "n" })), RangeError);
      const modula = { mode: "modula", shards: hosts, hash: "md5" } as const;
      throws(() => movedShare(ten, ketama(modula)), /no points/);
      equal(movedShareOf([], ten, eleven), 0);
    });

    it("refuses bad input, naming the shard", () => {
      const refuses = (options: object, pattern: RegExp, error = RangeError): void =>
        throws(() => ketama(options as KetamaOptions), (thrown) => {
          return thrown instanceof error && pattern.test(thrown.message);
        });
      refuses({ shards: [] }, /there are no shards/);
      for (const weight of [-1, NaN, 1.5, Infinity, 2 ** 32, "2"]) {
        refuses({ shards: ["a", { host: "b", weight }] }, /Cannot add shard "b": .* is no weight/);
      }
      for (const port of [-1, 65_536, 0.5, NaN]) {
        refuses({ shards: [{ host: "b", port }] }, /Cannot add shard "b:.*is no port/);
      }
      refuses({ shards: ["a", ""] }, /Cannot add shard ""/);
      refuses({ shards: [{ host: "" }] }, /it is empty/);
      for (const mode of ["twemproxy", "spymemcached"]) {
        refuses({ mode, shards: ["a", "b", "a:11211"] }, /shard "a:11211": .* only once/);
      }
      equal(ketama({ shards: ["a", "a"] }).indexOf("k"), 0);
      refuses({ mode: "exact160", shards: ["a", { host: "b", weight: 2 }] }, /shard "b".*weights/);
      refuses({ mode: "twemproxy", shards: ["h".repeat(80)] }, /too long for twemproxy/);
      refuses({ mode: "ketama", shards: ["a"] }, /there is no mode "ketama"/);
      refuses({ hash: "hsieh", shards: ["a"] }, /there is no hash "hsieh"/);
      refuses({ charSign: "maybe", shards: ["a"] }, /charSign/);
      refuses({ unixStyle: "maybe", shards: ["a"] }, /unixStyle/);
      refuses(
        { mode: "twemproxy", weighted: true, shards: ["a"] },
        /no option/,
        TypeError as never,
      );
      const crowd = Array.from({ length: 65_536 }, (_, i) => `shard-${i}`);
      refuses({ shards: crowd }, /Cannot add shard "shard-65535": a ring holds at most 65535/);
    });

    it("copies and freezes what it is given", () => {
      const shards = [{ host: "a" }, { host: "b" }];
      const ring = ketama({ shards });
      const before = ring.indexOfMany(keys);
      shards[0]!.host = "z";
      shards.pop();
      deepEqual(ring.indexOfMany(keys), before);
      ring.eject(0);
      ring.restore(0);
      deepEqual(ring.indexOfMany(keys), before);
      ok(Object.isFrozen(ring.labels));
    });

    it("holds hosts of any length", () => {
      const shards = ["h".repeat(40), "h".repeat(60), "é".repeat(3_000)];
      const { values, owners } = ketama({ shards }).points();
      shards.forEach((host, index) => {
        const own = Array.from(values).filter((_, i) => owners[i] === index);
        deepEqual(own, pointsOf(namesOf(host, 40)));
      });
    });
  });
}

describe("large rings", () => {
  const shardsOf = (size: number): { host: string; port: number }[] =>
    Array.from({ length: size }, (_, i) => ({ host: `shard-${i}`, port: i }));

  it("are the same from both kernels, with one shard heavier than all others too", () => {
    const heavy = shardsOf(7_000).map((shard, i) => ({ ...shard, weight: i === 5 ? 9_000 : 1 }));
    for (const shards of [shardsOf(3_000), shardsOf(7_000), heavy]) {
      const [one, other] = kernels.map((kernel) => ketamaOver(kernel, { shards }));
      deepEqual(one!.indexOfMany(keys), other!.indexOfMany(keys));
      deepEqual(one!.points(), other!.points());
    }
  });

  it("may have 65,535 shards", () => {
    const ring = ketamaOver(kernels[0]!, { shards: shardsOf(65_535) });
    const { values, owners } = ring.points();
    ok(values.length >= 156 * 65_535);
    ok(values.every((value, i) => i === 0 || values[i - 1]! <= value));
    for (const key of keys.slice(0, 20)) {
      const hash = md5Words(key)[0]!;
      const point = values.findIndex((value) => value >= hash);
      equal(ring.indexOf(key), owners[Math.max(point, 0)]);
    }
  });
});
