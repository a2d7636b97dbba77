"""Python's side of the tests of memcached: does one task, given as JSON, and prints its answer."""

import json
import sys
import threading
import time

PATIENCE_S = 30
POLL_S = 0.01


def ketama_client(task):
    """A client over several servers whose keys are where libmemcached's weighted ring has them."""
    if task["client"] == "pylibmc":
        import pylibmc

        return pylibmc.Client(task["servers"], behaviors={"ketama_weighted": True})
    from pymemcache.client.hash import HashClient

    return HashClient(task["servers"], hasher=KetamaHasher, allow_unicode_keys=True)


class KetamaHasher:
    """uhashring's ketama as pymemcache wants it."""

    def __init__(self):
        from uhashring import HashRing

        self.ring = HashRing(hash_fn="ketama")

    def add_node(self, node):
        self.ring.add_node(node)

    def remove_node(self, node):
        self.ring.remove_node(node)

    def get_node(self, key):
        return self.ring.get_node(key)


def set_values(task):
    client = ketama_client(task)
    for key, value in task["values"].items():
        if not client.set(key, value.encode()):
            raise RuntimeError(f"{key} was not stored")


def get_values(task):
    client = ketama_client(task)
    return [None if (v := client.get(key)) is None else v.decode() for key in task["keys"]]


def find_keys(task):
    """Whether each key is where the client looks for it, whatever its value is."""
    client = ketama_client(task)
    return [bool(client.append(key, "")) for key in task["keys"]]


def region_of(task):
    from dogpile.cache import make_region
    from dogpile.cache.util import sha1_mangle_key

    return make_region(
        serializer=lambda value: json.dumps(value).encode(),
        deserializer=json.loads,
        key_mangler=sha1_mangle_key if task.get("mangles") else None,
    ).configure(
        task["backend"],
        expiration_time=task.get("expirationSeconds"),
        arguments={
            "url": task["url"],
            "distributed_lock": True,
            "lock_timeout": 60,
            **task.get("arguments", {}),
        },
    )


def load_of(task, create):
    """A function of the module app.users, cached under the keys that dogpile makes by default."""

    def load(number, kind):
        return create(number, kind)

    load.__module__ = "app.users"
    return region_of(task).cache_on_arguments(namespace=task["namespace"])(load)


def cached(task):
    made = []

    def create(number, kind):
        made.append(number)
        return f"{kind} {number} of Python"

    load = load_of(task, create)
    verbs = {"call": load, "invalidate": load.invalidate, "get": load.get}
    answers = [verbs[verb](*args) for verb, *args in task["steps"]]
    return {"answers": [None if is_no_value(answer) else answer for answer in answers], "made": made}


def is_no_value(answer):
    from dogpile.cache.api import NO_VALUE

    return answer is NO_VALUE


def dogpile(task):
    from dogpile.cache.api import NO_VALUE

    region = region_of(task)
    answers = []
    for step, key, *value in task["steps"]:
        if step == "getOrCreate":
            answer = region.get_or_create(key, lambda: value[0])
        elif step == "isLocked":
            answer = region.key_is_locked(key)
        else:
            answer = getattr(region, step)(key, *value)
        answers.append("NO_VALUE" if answer is NO_VALUE else answer)
    return answers


def contend(task):
    """Calls get_or_create from several threads; whoever creates waits until everybody has called."""
    from pymemcache.client.base import Client

    region = region_of(task)
    results = []

    def count(name):
        return int(Client(task["url"]).incr(name, 1))

    def create(*_args):
        count("created")
        client = Client(task["url"])
        give_up_at = time.monotonic() + PATIENCE_S
        while int(client.get("arrived")) < task["everybody"]:
            if time.monotonic() > give_up_at:
                raise RuntimeError("not everybody came")
            time.sleep(POLL_S)
        return task["value"]

    def call():
        count("arrived")
        if "args" in task:
            results.append(load(*task["args"]))
        else:
            results.append(region.get_or_create(task["key"], create))

    load = load_of(task, create) if "args" in task else None
    threads = [threading.Thread(target=call) for _ in range(task["callers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


TASKS = {
    "set": set_values,
    "get": get_values,
    "find": find_keys,
    "dogpile": dogpile,
    "cached": cached,
    "contend": contend,
}

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(TASKS[asked["do"]](asked)))
