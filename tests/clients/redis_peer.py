"""dogpile.cache over Redis, driven by a test: one command line, one line of JSON back.

    redis_peer.py PORT set KEY VALUE        stores a JSON value
    redis_peer.py PORT get KEY SECONDS      {"found": value} or {}, at an expiration time
    redis_peer.py PORT create KEY PLAN      get_or_create under the distributed lock
    redis_peer.py PORT hashes               stores a tuple key and a plain one through redis_advanced
    redis_peer.py PORT keys                 what the default generators and mangler make

`create` counts its creator's runs in the list "created" and, if PLAN is "hold", keeps the creator
running until something is pushed to the list "go".
"""

import json
import sys

import dogpile_backend_redis_advanced  # noqa: F401, importing it registers its backends
import redis
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE
from dogpile.cache.util import function_key_generator, sha1_mangle_key

port, verb, *args = sys.argv[1:]
client = redis.Redis(host="127.0.0.1", port=int(port))


def region_of(backend="dogpile.cache.redis", **arguments):
    region = make_region(
        serializer=lambda value: json.dumps(value).encode("utf-8"),
        deserializer=json.loads,
    )
    settings = {"host": "127.0.0.1", "port": int(port), **arguments}
    return region.configure(backend, arguments=settings)


def create(key, plan):
    def creator():
        client.rpush("created", "python")
        if plan == "hold":
            client.blpop(["go"], timeout=30)
        return {"by": "python"}

    region = region_of(distributed_lock=True, thread_local_lock=False, lock_timeout=30)
    return {"value": region.get_or_create(key, creator)}


def get(key, seconds):
    value = region_of().get(key, expiration_time=float(seconds))
    return {} if value is NO_VALUE else {"found": value}


def hashes():
    region = region_of("dogpile_backend_redis_advanced.hstore", redis_expiration_time=60)
    region.set(("user:1", "name"), "Żaneta")
    region.set_multi({("user:1", "mail"): None, "plain": [1, 2]})
    return {}


def keys():
    def lookup(number, text):
        return None

    lookup.__module__ = "app.views"
    generate = function_key_generator("ns", lookup)
    return {
        "generated": generate(7, "two"),
        "mangled": sha1_mangle_key(generate(7, "two")),
    }


def put(key, value):
    region_of().set(key, json.loads(value))
    return {}


verbs = {"set": put, "get": get, "create": create, "hashes": hashes, "keys": keys}
print(json.dumps(verbs[verb](*args)))
