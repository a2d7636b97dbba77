/*
 * Makes ketama_namespace.json: which of ten servers libmemcached chooses for keys under a namespace
 * with HASH_WITH_PREFIX_KEY. Build: cc make_ketama_namespace.c -lmemcached -o make; run: ./make
 */
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <string.h>

static void print_key(const char *key, size_t length) {
  putchar('"');
  for (size_t i = 0; i < length; i++) {
    if (key[i]) putchar(key[i]);
    else printf("\\u0000");
  }
  putchar('"');
}

static void print_case(memcached_st *mc, const char *key, size_t length, int *count) {
  printf("%s\n    [", (*count)++ ? "," : "");
  print_key(key, length);
  printf(", %u]", memcached_generate_hash(mc, key, length));
}

static void print_cases(const char *name, int weighted) {
  memcached_st *mc = memcached_create(NULL);
  memcached_behavior_set(mc, weighted ? MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED : MEMCACHED_BEHAVIOR_KETAMA, 1);
  memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_HASH_WITH_PREFIX_KEY, 1);
  for (int i = 1; i <= 10; i++) {
    char host[32];
    snprintf(host, sizeof host, "10.0.1.%d", i);
    memcached_server_add(mc, host, 11211);
  }
  memcached_callback_set(mc, MEMCACHED_CALLBACK_NAMESPACE, "myapp:");
  printf("  \"%s\": [", name);
  int count = 0;
  char key[300];
  for (size_t length = 0; length < 256; length += length < 235 ? 13 : 1) {
    for (size_t i = 0; i < length; i++) key[i] = 'a' + (char) ((i * 7 + length) % 26);
    print_case(mc, key, length, &count);
    if (length < 3) continue;
    key[length / 2] = 0;
    print_case(mc, key, length, &count);
  }
  printf("\n  ]");
  memcached_free(mc);
}

int main(void) {
  printf("{\n");
  print_cases("libmemcached-weighted", 1);
  printf(",\n");
  print_cases("libmemcached", 0);
  printf("\n}\n");
  return 0;
}
