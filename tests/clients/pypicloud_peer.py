"""PyPICloud's own index caches, driven by a test: a list of steps, one JSON list of answers back.

    pypicloud_peer.py SETTINGS STEPS

SETTINGS are PyPICloud's as a JSON map, with "pypi.db" to choose the cache; tables that are missing are
made, as PyPICloud makes them at its start. STEPS is a JSON list of:

    ["upload", PATH, {...}]    a file, through PyPICloud's own upload, with name, version, summary …
    ["fetch", FILENAME]        its package or null
    ["all", NAME]              the packages of a project
    ["distinct"] ["summary"]   as PyPICloud has them; times are epoch milliseconds
    ["search", CRITERIA, TYPE] the packages found
    ["clear", FILENAME]        removes a row, and nothing else
    ["health"]                 what its health check says
"""

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

from pypicloud.cache import get_cache_impl  # noqa: E402
from pypicloud.util import EnvironSettings  # noqa: E402


def mend_flywheel():
    """Since Python 3.10 a Decimal is no number of seconds; flywheel, older than that, passes one."""
    from datetime import datetime, timedelta, timezone

    from flywheel.fields.types import DateTimeType

    def ddb_load(self, value):
        start = datetime(1970, 1, 1, tzinfo=timezone.utc)
        return start + timedelta(microseconds=int(value * 1_000_000))

    DateTimeType.ddb_load = ddb_load


def millis(instant):
    return round(instant.timestamp() * 1000)


def described(package):
    if package is None:
        return None
    return {
        "name": package.name,
        "version": package.version,
        "filename": package.filename,
        "last_modified": millis(package.last_modified),
        "summary": package.summary,
        "data": dict(package.data),
    }


def summarised(summary):
    return {**summary, "last_modified": millis(summary["last_modified"])}


def answer(cache, verb, *args):
    if verb == "upload":
        path, facts = args
        with open(path, "rb") as data:
            return described(cache.upload(Path(path).name, data, **facts))
    if verb == "fetch":
        return described(cache.fetch(*args))
    if verb == "all":
        return [described(package) for package in cache.all(*args)]
    if verb == "distinct":
        return list(cache.distinct())
    if verb == "summary":
        return [summarised(summary) for summary in cache.summary()]
    if verb == "search":
        return [described(package) for package in cache.search(*args)]
    if verb == "clear":
        return cache.clear(cache.fetch(*args))
    if verb == "health":
        return list(cache.check_health())
    raise ValueError(verb)


settings, steps = (json.loads(text) for text in sys.argv[1:])
if settings["pypi.db"] == "dynamo":
    mend_flywheel()
settings = EnvironSettings(settings, {})
kind = get_cache_impl(settings)
cache = kind(**kind.configure(settings))
answers = []
for step in steps:
    answers.append(answer(cache, *step))
    if hasattr(cache, "dbmaker"):
        cache.db.commit()
print(json.dumps(answers, default=float))
