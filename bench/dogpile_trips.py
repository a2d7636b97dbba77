"""dogpile.cache over the Redis at a port, doing one operation for each line it reads."""

import json
import sys

from dogpile.cache import make_region

region = make_region(
    serializer=lambda value: json.dumps(value).encode("utf-8"),
    deserializer=json.loads,
).configure(
    "dogpile.cache.redis",
    expiration_time=60,
    arguments={
        "host": "127.0.0.1",
        "port": int(sys.argv[1]),
        "distributed_lock": True,
        "thread_local_lock": False,
        "lock_timeout": 30,
    },
)
keys = [f"batch-{number}" for number in range(10)]


def batch(*missing):
    return [1 for _ in missing]


def warm():
    region.get_or_create("warm", lambda: 1)
    region.set("warm", 1)
    region.delete("warm")


operations = {
    "warm": warm,
    "cold": lambda: region.get_or_create("key", lambda: 1),
    "hit": lambda: region.get_or_create("key", lambda: 1),
    "stale": lambda: region.get_or_create("key", lambda: 1, expiration_time=0),
    "batch missing": lambda: region.get_or_create_multi(keys, batch),
    "batch fresh": lambda: region.get_or_create_multi(keys, batch),
    "set": lambda: region.set("key", 1),
    "delete": lambda: region.delete("key"),
}
for line in sys.stdin:
    operations[line.strip()]()
    print("done", flush=True)
