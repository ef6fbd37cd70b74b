/* A test is a function; a program lists its tests in main() and returns check_result(). A failed
 * check says where and goes on with the next test. A program ends by SIGXCPU when it has used
 * CHECK_CPU_S of processor time: wall time tells more of the machine's load than of the test. */
#ifndef MUZERO_RC_TESTS_CHECK_H_
#define MUZERO_RC_TESTS_CHECK_H_

#include <stdio.h>
#include <sys/resource.h>

enum { CHECK_CPU_S = 60 }; /* the longest takes about 6 under the thread sanitizer */

__attribute__((constructor)) static void check_limit_cpu(void) {
  const struct rlimit limit = {.rlim_cur = CHECK_CPU_S, .rlim_max = CHECK_CPU_S + 5};
  if (setrlimit(RLIMIT_CPU, &limit)) perror("RLIMIT_CPU");
}

static int check_failures;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition); \
      ++check_failures;                                                            \
      return;                                                                      \
    }                                                                              \
  } while (0)

/* For integers: shows both. */
#define CHECK_EQ(found, expected)                                                          \
  do {                                                                                     \
    const long long check_found = (long long)(found), check_expected = (long long)(expected); \
    if (check_found != check_expected) {                                                   \
      fprintf(stderr, "%s:%d: %s: %s is %lld, not %lld\n", __FILE__, __LINE__, __func__,   \
              #found, check_found, check_expected);                                        \
      ++check_failures;                                                                    \
      return;                                                                              \
    }                                                                                      \
  } while (0)

static inline int check_result(void) { return check_failures ? 1 : 0; }

#endif /* MUZERO_RC_TESTS_CHECK_H_ */
