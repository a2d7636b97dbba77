/**
 * The Debian packages that hold the programs of the tests.
 *
 * As root on Debian what is missing is installed; elsewhere tests do with what is there. Servers
 * that packages would start on being installed are kept from it: the tests start their own.
 */

/** A program and the package that brings it. */
interface Wanted {
  readonly package: string;
  /** Any of these files means that the package is there. */
  readonly files: readonly string[];
}

const WANTED: readonly Wanted[] = [
  { package: "redis-server", files: ["/usr/bin/redis-server"] },
  { package: "webdis", files: ["/usr/bin/webdis"] },
  { package: "memcached", files: ["/usr/bin/memcached"] },
  { package: "postgresql", files: ["/usr/bin/pg_config", "/usr/share/postgresql-common"] },
  { package: "mariadb-server", files: ["/usr/sbin/mariadbd"] },
  { package: "chromium", files: ["/usr/bin/chromium"] },
  { package: "python3-venv", files: ["/usr/share/doc/python3-venv"] },
  { package: "default-jre-headless", files: ["/usr/bin/java"] },
];

const ATTEMPTS = 3;
const POLICY = "/usr/sbin/policy-rc.d";
const FORBID_STARTING = "#!/bin/sh\nexit 101\n";

/** What has to be installed on this machine; nothing where that cannot be done. */
export async function missingPackages(): Promise<string[]> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0 || !await exists("/etc/debian_version")) {
    return [];
  }
  const there = await Promise.all(WANTED.map(async ({ files }) => {
    return (await Promise.all(files.map(exists))).includes(true);
  }));
  return WANTED.filter((_, index) => !there[index]).map((wanted) => wanted.package);
}

/** Installs packages with one call of apt-get, tried again where the network fails. */
export async function installPackages(
  packages: readonly string[],
  run: (command: readonly string[]) => Promise<boolean>,
): Promise<boolean> {
  const hadPolicy = await exists(POLICY);
  if (!hadPolicy) await Deno.writeTextFile(POLICY, FORBID_STARTING, { mode: 0o755 });
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const isFresh = await run(["apt-get", "update", "-q"]);
      const install = ["apt-get", "install", "-yq", "--no-install-recommends", ...packages];
      if (isFresh && await run(install)) return true;
    }
    return false;
  } finally {
    if (!hadPolicy) await Deno.remove(POLICY);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
