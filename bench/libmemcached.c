/*
 * The time that libmemcached itself takes to find the server of a key, in nanoseconds:
 * cc -O2 bench/libmemcached.c -lmemcached -o libmemcached; ./libmemcached SERVERS < KEYS
 *
 * One key to a line. It answers every line break after the keys with one measurement, until its
 * input ends.
 */
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_KEYS = 16384, LONGEST_KEY = 256, WINDOW_NS = 2000000, WINDOWS = 5 };

static char keys[MOST_KEYS][LONGEST_KEY];
static size_t lengths[MOST_KEYS];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec * 1e9 + (double) time.tv_nsec;
}

static size_t read_keys(void) {
  size_t count = 0;
  while (count < MOST_KEYS && fgets(keys[count], LONGEST_KEY, stdin)) {
    lengths[count] = strcspn(keys[count], "\n");
    if (lengths[count] == 0) break;
    count++;
  }
  return count;
}

static double window(memcached_st *mc, size_t count, unsigned *sum) {
  double started_at = now(), spent;
  size_t operations = 0;
  do {
    for (size_t i = 0; i < count; i++) *sum += memcached_generate_hash(mc, keys[i], lengths[i]);
    operations += count;
    spent = now() - started_at;
  } while (spent < WINDOW_NS);
  return spent / (double) operations;
}

/* The fastest of several windows, as in harness.ts. */
static double measure(memcached_st *mc, size_t count, unsigned *sum) {
  double best = window(mc, count, sum);
  for (int i = 1; i < WINDOWS; i++) {
    double next = window(mc, count, sum);
    if (next < best) best = next;
  }
  return best;
}

int main(int argc, char **argv) {
  memcached_st *mc = memcached_create(NULL);
  memcached_behavior_set(mc, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  for (int i = 1; i <= (argc > 1 ? atoi(argv[1]) : 10); i++) {
    char host[32];
    snprintf(host, sizeof host, "10.0.1.%d", i);
    memcached_server_add(mc, host, 11211);
  }
  unsigned sum = 0;
  size_t count = read_keys();
  while (count > 0 && getchar() != EOF) {
    printf("%.2f\n", measure(mc, count, &sum));
    fflush(stdout);
  }
  fprintf(stderr, "%u\n", sum);
  memcached_free(mc);
  return 0;
}
