#define _GNU_SOURCE /* memmem */
#include "policy_file/metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { KEY_SIZE = 64 };

typedef struct slice {
  const char *at; /* NULL: there is none */
  const char *end;
} slice;

static slice text_of(const muzero_rc_policy_file *file, const char *key) {
  if (file->metadata < 0) return (slice){NULL, NULL};
  const int32_t token = muzero_rc_json_find(&file->header, file->metadata, key);
  if (token < 0) return (slice){NULL, NULL};
  const muzero_rc_json_token *text = &file->header.tokens[token];
  return (slice){text->text, text->text + text->length};
}

/* Format version 1: the value of `name` in a JSON object within a text, where a quote is \". */
static slice member_of(slice object, const char *name) {
  char key[KEY_SIZE];
  if (object.at == NULL) return object;
  const int length = snprintf(key, sizeof(key), "\\\"%s\\\":", name);
  const char *found = memmem(object.at, (size_t)(object.end - object.at), key, (size_t)length);
  if (found == NULL) return (slice){NULL, NULL};
  slice value = {found + length, found + length};
  bool list = false;
  for (; value.end < object.end && *value.end != '}'; value.end++) {
    if (*value.end == ']' || (*value.end == ',' && !list)) break;
    if (*value.end == '[') list = true;
  }
  return value;
}

/* Steps over what lies between numbers; brackets are format version 1's. */
static const char *skip_separators(slice text) {
  while (text.at < text.end && memchr(" ,[]", *text.at, 4) != NULL) text.at++;
  return text.at;
}

/* Reads one number off the front. */
static int read_integer(slice *text, int32_t *value) {
  const bool negative = *text->at == '-';
  const char *const digits = text->at += negative;
  *value = 0;
  for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
    if (text->at - digits == 9) return -EINVAL; /* keeps clear of overflow */
    *value = *value * 10 + (*text->at - '0');
  }
  if (text->at == digits) return -EINVAL;
  if (negative) *value = -*value;
  return text->at == text->end || memchr(" ,]", *text->at, 3) != NULL ? 0 : -EINVAL;
}

static int32_t read_integers(slice text, int32_t low, int32_t high, int32_t *out,
                             int32_t capacity) {
  int32_t count = 0;
  while ((text.at = skip_separators(text)) < text.end) {
    if (count == capacity || read_integer(&text, &out[count]) < 0) return -EINVAL;
    if (out[count] < low || out[count] > high) return -EINVAL;
    count++;
  }
  return count;
}

bool muzero_rc_metadata_has(const muzero_rc_policy_file *file, const char *key) {
  return text_of(file, key).at != NULL;
}

bool muzero_rc_metadata_is(const muzero_rc_policy_file *file, const char *key, const char *text) {
  return file->metadata >= 0 &&
         muzero_rc_json_equals(&file->header,
                               muzero_rc_json_find(&file->header, file->metadata, key), text);
}

int32_t muzero_rc_metadata_integers(const muzero_rc_policy_file *file, const char *group,
                                    const char *name, int32_t low, int32_t high, int32_t *out,
                                    int32_t capacity) {
  char key[KEY_SIZE];
  (void)snprintf(key, sizeof(key), "%s%s%s", group ? group : "", group ? "." : "", name);
  slice text = text_of(file, key);
  if (text.at == NULL && group != NULL) text = member_of(text_of(file, group), name);
  return text.at == NULL ? -EINVAL : read_integers(text, low, high, out, capacity);
}

int32_t muzero_rc_metadata_members(const muzero_rc_policy_file *file, const char *group) {
  const muzero_rc_json_token *tokens = file->header.tokens;
  const int32_t object = file->metadata, length = (int32_t)strlen(group);
  int32_t count = 0;
  if (object < 0) return 0;
  for (int32_t at = object + 1; at < tokens[object].next; at = tokens[at + 1].next) {
    count += tokens[at].length > length && memcmp(tokens[at].text, group, (size_t)length) == 0 &&
             tokens[at].text[length] == '.';
  }
  return count;
}
