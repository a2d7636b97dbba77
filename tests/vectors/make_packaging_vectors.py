"""Freezes the answers of Python's `packaging` library as vectors.

The library's own tests are run with its functions watched: every text that they hand to it becomes
a case, with the answer the library gave. Cases for what its tests leave out (build tags, odd file
names, more specifiers against more versions) are made here and answered by the library as well.

    python3 -m venv v && v/bin/pip install packaging==26.2 pytest==8.4.2 pretend==1.0.9
    v/bin/pip download --no-deps --no-binary :all: packaging==26.2 && tar xzf packaging-26.2.tar.gz
    v/bin/python make_packaging_vectors.py packaging-26.2 packaging.json packaging_requirements.json

Requirements are front-coded, as thousands differ in their ends only: each case has the number of
characters it shares with the one before, the rest of its text, and the index of its answer.
"""

import functools
import itertools
import json
import os
import pathlib
import sys

import packaging
import packaging.metadata
import packaging.requirements
import packaging.specifiers
import packaging.tags
import packaging.utils
import packaging.version
import pytest

VERSIONS, SPECIFIERS, JUDGED, FILTERED = set(), set(), {}, {}
NAMES, WHEELS, SDISTS, TAGS, REQUIREMENTS, EMAILS = set(), set(), set(), set(), set(), set()

Version = packaging.version.Version
Specifier = packaging.specifiers.Specifier
SpecifierSet = packaging.specifiers.SpecifierSet
Requirement = packaging.requirements.Requirement
parse_email = packaging.metadata.parse_email


def watch(owner, name, note):
    """Calls `note` with the arguments of every call of `owner.name` before it is made."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def watched(*args, **kwargs):
        note(*args, **kwargs)
        return original(*args, **kwargs)

    setattr(owner, name, watched)


def text(note):
    """Notes the first argument if it is a plain text of a sane length."""
    return lambda *args, **_: note(args[0]) if sane(args[0]) else None


def method_text(note):
    return lambda *args, **_: note(args[1]) if len(args) > 1 and sane(args[1]) else None


def sane(value):
    return isinstance(value, str) and len(value) < 300


def note_judged(self, item, prereleases=None, installed=None):
    if self._prereleases is None and not installed and sane(str(item)):
        if prereleases in (None, True, False) and sane(spelled(self)):
            JUDGED[spelled(self), str(item), prereleases] = None


def note_filtered(self, iterable, prereleases=None, key=None):
    if self._prereleases is None and key is None and isinstance(iterable, (list, tuple)) \
            and len(iterable) < 100 and all(sane(str(one)) for one in [spelled(self), *iterable]):
        FILTERED[spelled(self), tuple(map(str, iterable)), prereleases] = None


def spelled(specifiers):
    """Its text, read without the set's own method, which reorders the set as its tests would notice."""
    return str(specifiers) if isinstance(specifiers, Specifier) else ",".join(map(str, specifiers))


def watch_all():
    watch(Version, "__init__", method_text(VERSIONS.add))
    watch(Specifier, "__init__", method_text(SPECIFIERS.add))
    watch(SpecifierSet, "__init__", method_text(SPECIFIERS.add))
    watch(Specifier, "contains", note_judged)
    watch(SpecifierSet, "contains", note_judged)
    watch(Specifier, "filter", note_filtered)
    watch(SpecifierSet, "filter", note_filtered)
    watch(Requirement, "__init__", method_text(REQUIREMENTS.add))
    for name, found in {
        "canonicalize_name": NAMES,
        "is_normalized_name": NAMES,
        "parse_wheel_filename": WHEELS,
        "parse_sdist_filename": SDISTS,
    }.items():
        watch(packaging.utils, name, text(found.add))
    watch(packaging.tags, "parse_tag", text(TAGS.add))
    watch(packaging.metadata, "parse_email", lambda data, **_: EMAILS.add(data))


def answer(function, *args):
    """What the library answers, or None where it refuses."""
    try:
        return function(*args)
    except Exception:
        return None


def more_cases():
    """What the library's tests leave out."""
    for end, body in itertools.product(["\n", "\r\n"], ["", "\n", "\nbody", "\nName: bar\n\nend\n", "\n\n\nlate"]):
        for field in [
            "Summary: one line", "summary:tight", "Summary: folded\n  twice\n\tover", "Requires-Python: >=3.9,<4",
            'Requires-Dist: a\nRequires-Dist: b; extra == "c"\nProvides-Extra: c', "Keywords: a,b",
            "Requires-Dist: a>=1;\n  python_version<'3'",
        ]:
            data = f"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n{field}\n{body}".replace("\n", end)
            EMAILS.update([data, data.encode()])
    names = ["foo", "Foo.Bar", "foo_bar", "foo__bar", "f", "1foo", "foo-", "", ".foo", "foo bar"]
    versions = ["1.0", "1.0.post1", "1!2.0rc1", "1.0+local.1", "2013b", "2004d", "1_0", "1.0_1", "v1"]
    builds = ["", "1-", "1a-", "10-", "a1-", "007-", "1.2-"]
    tags = ["py3-none-any", "py2.py3-none-any", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64"]
    for name, version, build, tag in itertools.product(names, versions, builds, tags[:1]):
        WHEELS.add(f"{name}-{version}-{build}{tag}.whl")
    TAGS.update(tags)
    TAGS.update([
        "cp39-abi3-macosx_11_0_universal2", "cp313-cp313t-musllinux_1_2_aarch64",
        "cp313-cp313-ios_13_0_arm64_iphoneos", "cp313-cp313-android_24_x86_64",
        "cp313-cp313-pyemscripten_2025_0_wasm32", "cp313-cp313-manylinux1_x86_64.manylinux2010_x86_64",
        "pp310-pypy310_pp73-win_amd64", "CP27-cp27MU-Linux_x86_64", "py2.py3.cp39-none.abi3-any.win32",
    ])
    for name, version, suffix in itertools.product(
        names + ["foo-bar", "foo-2", "zope.interface", "python-3-foo"],
        versions + ["1.0-1", "1.0-rc1", "2-1", "1.0-beta-2"],
        [".tar.gz", ".zip"],
    ):
        SDISTS.add(f"{name}-{version}{suffix}")
    operators = ["==", "!=", "<=", ">=", "<", ">", "~=", "==="]
    limits = ["1.0", "1.0.post1", "1.0a1", "1.0.dev1", "1!1.0", "1.0rc1.post1.dev2", "2.0.0", "0.9.1", "1"]
    candidates = [
        "1.0", "1", "1.0.0", "1.0+local", "1.0.post1", "1.0.post1+l", "1.0.post2", "1.0a1", "1.0a1+l", "1.0a2",
        "1.0.dev1", "1.0.dev2", "1!1.0", "1!1.0.1", "1.0rc1.post1.dev2", "1.0rc1.post1", "2.0.0", "2.0.0.1", "2",
        "0.9.1", "0.9", "0.9.1.post1", "1.1", "1.0.1", "1.0.post1.dev1", "2.0.0rc1", "2004d",
    ]
    for operator, limit, candidate in itertools.product(operators, limits, candidates):
        if answer(Specifier, operator + limit) is not None:
            JUDGED[operator + limit, candidate, None] = None
    for limit, candidate in itertools.product(["1.*", "1.0.*", "1!1.*", "0.*", "2.0.0.*"], candidates):
        JUDGED["==" + limit, candidate, None] = JUDGED["!=" + limit, candidate, None] = None
    for specifier in ["", ">=1.0", "<2.0.0", ">=1.0a1", "!=1.0a1", "==2.*", "~=1.0", "===1.0a1", ">3", "===2004d"]:
        for prereleases in (None, True, False):
            FILTERED[specifier, tuple(candidates), prereleases] = None
    for prefix, body in itertools.product(["", "v", " "], ["1.0", "1.0-1", "1.0.rev3", "1.0C1", "1.0+a.01"]):
        VERSIONS.add(prefix + body)
    for operator, version in itertools.product(
        operators + ["=", "=>", "", "~"],
        ["1", "1.0", "1.*", "1.0.*", "1.0a1.*", "1.0.dev1.*", "1.0+l", "1.0+l.*", "v1.0", "1.0.rev1", " 1.0 ", "x", ""],
    ):
        SPECIFIERS.add(operator + version)


def tag_texts(tags):
    return sorted(map(str, tags))


def wheel_answer(filename):
    found = answer(packaging.utils.parse_wheel_filename, filename)
    if found is None:
        return [filename]
    name, version, build, tags = found
    return [filename, name, str(version), "".join(map(str, build)), tag_texts(tags)]


def sdist_answer(filename):
    found = answer(packaging.utils.parse_sdist_filename, filename)
    return [filename] if found is None else [filename, found[0], str(found[1])]


def requirement_answer(source):
    found = answer(Requirement, source)
    if found is None:
        return None
    specifiers = sorted(str(one) for one in found.specifier)
    return [found.name, sorted(found.extras), specifiers, found.url, found.marker is not None]


def requirement_cases():
    answers, cases, before = [], [], ""
    for source in sorted(REQUIREMENTS):
        found = requirement_answer(source)
        if found not in answers:
            answers.append(found)
        shared = len(os.path.commonprefix([before, source]))
        cases.append([shared, source[shared:], answers.index(found)])
        before = source
    return {"answers": answers, "cases": cases}


def email_answer(data):
    raw, _ = parse_email(data)
    shown = data if isinstance(data, str) else data.decode("latin-1")
    keep = ["metadata_version", "name", "version", "summary", "requires_python", "requires_dist",
            "provides_extra", "description"]
    return [isinstance(data, bytes), shown, {key: raw[key] for key in keep if key in raw}]


def ranked(versions):
    """Each valid version with its normal form and its rank; equal versions share one."""
    valid = sorted(version for version in versions if answer(Version, version) is not None)
    keys = sorted({Version(version)._key for version in valid})
    rank = {key: index for index, key in enumerate(keys)}
    return [[version, str(Version(version)), rank[Version(version)._key]] for version in valid]


def judged_answers():
    by_specifier = {}
    for (specifier, version, prereleases) in sorted(JUDGED, key=repr):
        allows = SpecifierSet(specifier).contains(version, prereleases=prereleases)
        key = (specifier, {None: "", True: "+", False: "-"}[prereleases])
        by_specifier.setdefault(key, [[], []])[0 if allows else 1].append(version)
    return [[*key, *sides] for key, sides in by_specifier.items()]


def filtered_answers():
    lists = sorted({versions for (_, versions, _) in FILTERED})
    places = {versions: index for index, versions in enumerate(lists)}
    cases = []
    for (specifier, versions, prereleases) in sorted(FILTERED, key=repr):
        found = list(SpecifierSet(specifier).filter(versions, prereleases=prereleases))
        bits = "".join("1" if found and one == found[0] and found.pop(0) else "0" for one in versions)
        assert found == [], "the library changed the order"
        cases.append([specifier, prereleases, places[versions], bits])
    return {"lists": lists, "cases": cases}


def write(path, provenance, cases):
    lines = [f'"provenance": {json.dumps(provenance)}']
    for key, rows in cases.items():
        if isinstance(rows, list):
            shown = "[\n" + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n]"
        else:
            shown = json.dumps(rows, separators=(",", ":"))
        lines.append(f"{json.dumps(key)}: {shown}")
    pathlib.Path(path).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(sdist, target, requirements_target):
    watch_all()
    tests = ["version", "specifiers", "utils", "tags", "requirements", "metadata"]
    code = pytest.main([
        "-q", "-p", "no:cacheprovider", "--rootdir", sdist,
        *(f"{sdist}/tests/test_{name}.py" for name in tests),
    ])
    assert code == 0, "the library's own tests fail"
    more_cases()
    names = sorted(NAMES | {"Foo__Bar.-baz", "foo", "FOO", "a--b", "-a", "a-", "", "é"})
    provenance = f"packaging {packaging.__version__}, by tests/vectors/make_packaging_vectors.py"
    write(requirements_target, provenance, requirement_cases())
    write(target, provenance, {
        "versions": ranked(VERSIONS),
        "invalidVersions": sorted(v for v in VERSIONS if answer(Version, v) is None),
        "specifiers": [
            [one, answer(SpecifierSet, one) is not None] for one in sorted(SPECIFIERS)
        ],
        "judged": judged_answers(),
        "filtered": filtered_answers(),
        "names": [
            [one, packaging.utils.canonicalize_name(one), packaging.utils.is_normalized_name(one)]
            for one in names
        ],
        "tags": [[one, tag_texts(answer(packaging.tags.parse_tag, one) or [])] for one in sorted(TAGS)],
        "wheels": [wheel_answer(one) for one in sorted(WHEELS)],
        "sdists": [sdist_answer(one) for one in sorted(SDISTS)],
        "emails": [email_answer(one) for one in sorted(EMAILS, key=repr)],
    })


if __name__ == "__main__":
    main(*sys.argv[1:])
