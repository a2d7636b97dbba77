import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import { bytesOf, House, packagePath } from "./house.ts";

describe("the wheel cache end to end", () => {
  it("an uploaded wheel is listed and comes back byte for byte", async () => {
    const house = new House();
    const wheel = await house.publish({ name: "Demo.Pkg", version: "1.0" });
    const page = await house.page("demo-pkg");
    deepEqual(page.files.map(({ filename }) => filename), [wheel.filename]);
    const { url } = page.files[0]!;
    const { pathname } = new URL(url, "https://cairn.test/simple/demo-pkg/");
    equal(pathname, packagePath(wheel.sha256, wheel.filename));
    deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    const metadata = await house.fetch(`${pathname}.metadata`);
    equal(await metadata.text(), wheel.metadata);
  });
});
