/* A reader of the JSON in a .safetensors header: objects, arrays, strings and whole numbers, as
 * a flat array of tokens over the caller's text. Strings stay as they are written. */
#ifndef MUZERO_RC_POLICY_FILE_JSON_H_
#define MUZERO_RC_POLICY_FILE_JSON_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MUZERO_RC_JSON_DEPTH = 4,          /* arrays and objects within one another */
  MUZERO_RC_JSON_SIZE_MAX = 1 << 22, /* characters */
};

typedef enum muzero_rc_json_kind {
  MUZERO_RC_JSON_OBJECT, /* `size` times a key, its value */
  MUZERO_RC_JSON_ARRAY,  /* `size` values */
  MUZERO_RC_JSON_STRING, /* text within the quotes, escapes as written */
  MUZERO_RC_JSON_NUMBER
} muzero_rc_json_kind;

typedef struct muzero_rc_json_token {
  muzero_rc_json_kind kind;
  int32_t size;   /* items of an array, members of an object */
  int32_t next;   /* index of the token behind this value and all within it */
  int32_t length; /* characters */
  const char *text;
} muzero_rc_json_token;

typedef struct muzero_rc_json {
  muzero_rc_json_token *tokens; /* the first is the whole document */
  int32_t count;
} muzero_rc_json;

/* Parses all of `text`, which must outlive *json. -EINVAL: not such JSON, too deep or too long;
 * -ENOMEM. On success close *json after use. */
int muzero_rc_json_open(const char *text, size_t length, muzero_rc_json *json);

/* Frees and zeroes; a zeroed *json is fine. */
void muzero_rc_json_close(muzero_rc_json *json);

/* Index of the value of `key` in the object at token `object`, or -1. */
int32_t muzero_rc_json_find(const muzero_rc_json *json, int32_t object, const char *key);

/* Whether the object's keys are at most `limit`, all different, of printable ASCII without
 * escapes. */
bool muzero_rc_json_plain_keys(const muzero_rc_json *json, int32_t object, int32_t limit);

/* The token's value when it is a whole number within [0, high], written in digits alone; else
 * -EINVAL. */
int muzero_rc_json_integer(const muzero_rc_json *json, int32_t token, int64_t high,
                           int64_t *value);

/* Whether the token is the string `text`. */
bool muzero_rc_json_equals(const muzero_rc_json *json, int32_t token, const char *text);

#endif /* MUZERO_RC_POLICY_FILE_JSON_H_ */
