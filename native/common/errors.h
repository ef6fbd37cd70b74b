/* Error reports: one line for a person, a negative errno for the program. */
#ifndef MUZERO_RC_COMMON_ERRORS_H_
#define MUZERO_RC_COMMON_ERRORS_H_

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Prints into error[error_size] (NULL is fine) and returns `code`. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
static inline int muzero_rc_fail(char *error, size_t error_size, int code, const char *format, ...) {
  if (error != NULL && error_size > 0) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, error_size, format, arguments);
    va_end(arguments);
  }
  return code;
}

#endif /* MUZERO_RC_COMMON_ERRORS_H_ */
