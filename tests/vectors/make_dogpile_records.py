"""Writes dogpile_records.json: records by dogpile.cache itself, and what it reads in cairn's.

Run with dogpile.cache installed, the records of cairn on standard input as a JSON list of
{"name", "record" (hexadecimal)}.
"""

import importlib.metadata
import json
import sys
from unittest import mock

from dogpile.cache import make_region, register_backend
from dogpile.cache.api import NO_VALUE, BytesBackend


class Shelf(BytesBackend):
    """Bytes in a dict that the caller can see."""

    def __init__(self, arguments):
        self.records = arguments["records"]

    def get_serialized(self, key):
        return self.records.get(key, NO_VALUE)

    def set_serialized(self, key, value):
        self.records[key] = value

    def delete(self, key):
        self.records.pop(key, None)


register_backend("shelf", __name__, "Shelf")
sys.modules[__name__].Shelf = Shelf
records = {}
region = make_region(
    serializer=lambda value: json.dumps(value).encode(),
    deserializer=json.loads,
).configure("shelf", arguments={"records": records})

payloads = [
    ("an object", {"a": [1, 2.5, None, True], "b": "text"}, 1700000000.25),
    ("null", None, 1700000000.0),
    ("text with a bar", "left|right", 1795218656.216446),
    ("text beyond ASCII", "żółw 鍵 😀", 1700000000.123456),
    ("a time before the epoch", 0, -5.5),
]
written = []
for name, payload, created in payloads:
    with mock.patch("time.time", lambda created=created: created):
        region.set(name, payload)
    written.append(
        {
            "name": name,
            "record": records[name].hex(),
            "createdAt": created * 1000,
            "payload": payload,
        }
    )

read = []
for vector in json.load(sys.stdin):
    records["key"] = bytes.fromhex(vector["record"])
    value = region.get_value_metadata("key", ignore_expiration=True)
    created_at = round(value.cached_time * 1000, 3)
    read.append({**vector, "createdAt": created_at, "payload": value.payload})

version = importlib.metadata.version("dogpile.cache")
json.dump(
    {
        "provenance": f"dogpile.cache {version}, by make_dogpile_records.py: records it wrote with json.dumps, and what it read in records that cairn wrote; bytes in hexadecimal.",
        "writtenByDogpile": written,
        "readByDogpile": read,
    },
    sys.stdout,
    indent=1,
    ensure_ascii=False,
)
print()
