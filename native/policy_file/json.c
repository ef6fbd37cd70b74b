#include "policy_file/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The same walk counts the tokens (tokens == NULL) and then fills them in. */
typedef struct parser {
  const char *at;
  const char *end;
  muzero_rc_json_token *tokens;
  int32_t count;
  int32_t depth;
} parser;

static bool parse_value(parser *p);

static void skip_space(parser *p) {
  while (p->at < p->end && memchr(" \n\r\t", *p->at, 4) != NULL) p->at++;
}

static bool accept(parser *p, char c) {
  skip_space(p);
  if (p->at == p->end || *p->at != c) return false;
  p->at++;
  return true;
}

/* The rest of a string, behind its opening quote. */
static bool parse_string(parser *p) {
  while (p->at < p->end) {
    const char c = *p->at++;
    if (c == '"') return true;
    if ((unsigned char)c < 0x20) return false;
    if (c == '\\' && p->at++ == p->end) return false;
  }
  return false;
}

static bool parse_number(parser *p) {
  const char *start = p->at;
  while (p->at < p->end && memchr("0123456789", *p->at, 10) != NULL) p->at++;
  return p->at > start;
}

/* The rest of an array or object, behind its bracket. */
static bool parse_items(parser *p, bool object, int32_t *size) {
  const char close = object ? '}' : ']';
  if (accept(p, close)) return true;
  do {
    if (object) {
      skip_space(p);
      if (p->at == p->end || *p->at != '"') return false;
      if (!parse_value(p) || !accept(p, ':')) return false;
    }
    if (!parse_value(p)) return false;
    ++*size;
  } while (accept(p, ','));
  return accept(p, close);
}

static bool parse_value(parser *p) {
  muzero_rc_json_token token = {.kind = MUZERO_RC_JSON_NUMBER};
  const int32_t index = p->count++;
  bool good;
  skip_space(p);
  if (p->at == p->end) return false;
  const char *start = p->at;
  if (*p->at == '{' || *p->at == '[') {
    token.kind = *p->at == '{' ? MUZERO_RC_JSON_OBJECT : MUZERO_RC_JSON_ARRAY;
    p->at++;
    if (++p->depth > MUZERO_RC_JSON_DEPTH) return false;
    good = parse_items(p, token.kind == MUZERO_RC_JSON_OBJECT, &token.size);
    p->depth--;
  } else if (*p->at == '"') {
    token.kind = MUZERO_RC_JSON_STRING;
    start = ++p->at;
    good = parse_string(p);
  } else {
    good = parse_number(p);
  }
  if (good && p->tokens != NULL) {
    token.text = start;
    token.length = (int32_t)(p->at - start) - (token.kind == MUZERO_RC_JSON_STRING);
    token.next = p->count;
    p->tokens[index] = token;
  }
  return good;
}

static bool parse_document(parser *p) {
  if (!parse_value(p)) return false;
  skip_space(p);
  return p->at == p->end;
}

int muzero_rc_json_open(const char *text, size_t length, muzero_rc_json *json) {
  memset(json, 0, sizeof(*json));
  if (length == 0 || length > MUZERO_RC_JSON_SIZE_MAX) return -EINVAL;
  parser p = {.at = text, .end = text + length};
  if (!parse_document(&p)) return -EINVAL;
  json->tokens = calloc((size_t)p.count, sizeof(*json->tokens));
  if (json->tokens == NULL) return -ENOMEM;
  json->count = p.count;
  p = (parser){.at = text, .end = text + length, .tokens = json->tokens};
  (void)parse_document(&p);
  return 0;
}

void muzero_rc_json_close(muzero_rc_json *json) {
  free(json->tokens);
  memset(json, 0, sizeof(*json));
}

static bool same_text(const muzero_rc_json_token *token, const char *text) {
  return strlen(text) == (size_t)token->length &&
         memcmp(token->text, text, (size_t)token->length) == 0;
}

int32_t muzero_rc_json_find(const muzero_rc_json *json, int32_t object, const char *key) {
  const muzero_rc_json_token *tokens = json->tokens;
  if (tokens[object].kind != MUZERO_RC_JSON_OBJECT) return -1;
  for (int32_t at = object + 1; at < tokens[object].next; at = tokens[at + 1].next) {
    if (same_text(&tokens[at], key)) return at + 1;
  }
  return -1;
}

bool muzero_rc_json_plain_keys(const muzero_rc_json *json, int32_t object, int32_t limit) {
  const muzero_rc_json_token *tokens = json->tokens;
  if (tokens[object].kind != MUZERO_RC_JSON_OBJECT || tokens[object].size > limit) return false;
  for (int32_t at = object + 1; at < tokens[object].next; at = tokens[at + 1].next) {
    const muzero_rc_json_token *key = &tokens[at];
    for (int32_t i = 0; i < key->length; i++) {
      if (key->text[i] < ' ' || key->text[i] > '~' || key->text[i] == '\\') return false;
    }
    for (int32_t other = object + 1; other < at; other = tokens[other + 1].next) {
      if (tokens[other].length == key->length &&
          memcmp(tokens[other].text, key->text, (size_t)key->length) == 0) {
        return false;
      }
    }
  }
  return true;
}

int muzero_rc_json_integer(const muzero_rc_json *json, int32_t token, int64_t high,
                           int64_t *value) {
  if (token < 0 || json->tokens[token].kind != MUZERO_RC_JSON_NUMBER) return -EINVAL;
  const muzero_rc_json_token *number = &json->tokens[token];
  if (number->length > 18) return -EINVAL; /* keeps clear of overflow */
  *value = 0;
  for (int32_t i = 0; i < number->length; i++) *value = *value * 10 + (number->text[i] - '0');
  return *value > high ? -EINVAL : 0;
}

bool muzero_rc_json_equals(const muzero_rc_json *json, int32_t token, const char *text) {
  return token >= 0 && json->tokens[token].kind == MUZERO_RC_JSON_STRING &&
         same_text(&json->tokens[token], text);
}
