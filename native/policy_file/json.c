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
  while (p->at < p->end &&
         (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) {
    p->at++;
  }
}

static bool accept(parser *p, char c) {
  skip_space(p);
  if (p->at == p->end || *p->at != c) return false;
  p->at++;
  return true;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Four hexadecimal digits at `text`, or -1. */
static int32_t hex_unit(const char *text, const char *end) {
  int32_t unit = 0;
  if (end - text < 4) return -1;
  for (int i = 0; i < 4; i++) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/* The character behind "\u" at `text`; *used gets its length there. -1: none. */
static int32_t escaped_character(const char *text, const char *end, int *used) {
  const int32_t high = hex_unit(text, end);
  *used = 4;
  if (high <= 0 || (high >= 0xDC00 && high <= 0xDFFF)) return -1;
  if (high < 0xD800 || high > 0xDBFF) return high;
  if (end - text < 10 || text[4] != '\\' || text[5] != 'u') return -1;
  const int32_t low = hex_unit(text + 6, end);
  if (low < 0xDC00 || low > 0xDFFF) return -1;
  *used = 10;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Length of the well-formed UTF-8 character at `text`, or 0. */
static int utf8_length(const char *text, const char *end) {
  const unsigned char *u = (const unsigned char *)text;
  const ptrdiff_t left = end - text;
  int length;
  if (u[0] < 0x80) return 1;
  if (u[0] >= 0xC2 && u[0] <= 0xDF) {
    length = 2;
  } else if ((u[0] & 0xF0) == 0xE0) {
    length = 3;
  } else if (u[0] >= 0xF0 && u[0] <= 0xF4) {
    length = 4;
  } else {
    return 0;
  }
  if (left < length) return 0;
  for (int i = 1; i < length; i++) {
    if ((u[i] & 0xC0) != 0x80) return 0;
  }
  /* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
  if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F)) return 0;
  if ((u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F)) return 0;
  return length;
}

/* Steps over one escape, behind its backslash. */
static bool skip_escape(parser *p) {
  if (p->at == p->end) return false;
  const char c = *p->at++;
  if (c == 'u') {
    int used;
    if (escaped_character(p->at, p->end, &used) < 0) return false;
    p->at += used;
    return true;
  }
  return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
}

/* The rest of a string, behind its opening quote. */
static bool parse_string(parser *p) {
  while (p->at < p->end) {
    const unsigned char c = (unsigned char)*p->at;
    if (c == '"') {
      p->at++;
      return true;
    }
    if (c < 0x20) return false;
    if (c == '\\') {
      p->at++;
      if (!skip_escape(p)) return false;
    } else {
      const int length = utf8_length(p->at, p->end);
      if (length == 0) return false;
      p->at += length;
    }
  }
  return false;
}

static bool skip_digits(parser *p) {
  const char *start = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
  return p->at > start;
}

static bool parse_number(parser *p) {
  if (*p->at == '-') p->at++;
  if (p->at < p->end && *p->at == '0') {
    p->at++;
  } else if (!skip_digits(p)) {
    return false;
  }
  if (p->at < p->end && *p->at == '.') {
    p->at++;
    if (!skip_digits(p)) return false;
  }
  if (p->at < p->end && (*p->at == 'e' || *p->at == 'E')) {
    p->at++;
    if (p->at < p->end && (*p->at == '+' || *p->at == '-')) p->at++;
    if (!skip_digits(p)) return false;
  }
  return true;
}

static bool parse_word(parser *p, const char *word) {
  const size_t length = strlen(word);
  if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) return false;
  p->at += length;
  return true;
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
  muzero_rc_json_token token = {0};
  const int32_t index = p->count++;
  bool good;
  skip_space(p);
  if (p->at == p->end) return false;
  const char *start = p->at;
  switch (*p->at) {
    case '{':
    case '[':
      token.kind = *p->at == '{' ? MUZERO_RC_JSON_OBJECT : MUZERO_RC_JSON_ARRAY;
      p->at++;
      if (++p->depth > MUZERO_RC_JSON_DEPTH) return false;
      good = parse_items(p, token.kind == MUZERO_RC_JSON_OBJECT, &token.size);
      p->depth--;
      break;
    case '"':
      token.kind = MUZERO_RC_JSON_STRING;
      start = ++p->at;
      good = parse_string(p);
      break;
    case 't': token.kind = MUZERO_RC_JSON_TRUE; good = parse_word(p, "true"); break;
    case 'f': token.kind = MUZERO_RC_JSON_FALSE; good = parse_word(p, "false"); break;
    case 'n': token.kind = MUZERO_RC_JSON_NULL; good = parse_word(p, "null"); break;
    default: token.kind = MUZERO_RC_JSON_NUMBER; good = parse_number(p); break;
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
  if (json->tokens[object].kind != MUZERO_RC_JSON_OBJECT) return -1;
  int32_t at = object + 1;
  for (int32_t i = 0; i < json->tokens[object].size; i++) {
    if (same_text(&json->tokens[at], key)) return at + 1;
    at = json->tokens[at + 1].next;
  }
  return -1;
}

bool muzero_rc_json_plain_keys(const muzero_rc_json *json, int32_t object, int32_t limit) {
  const muzero_rc_json_token *tokens = json->tokens;
  if (tokens[object].kind != MUZERO_RC_JSON_OBJECT || tokens[object].size > limit) return false;
  for (int32_t at = object + 1; at < tokens[object].next; at = tokens[at + 1].next) {
    const muzero_rc_json_token *key = &tokens[at];
    if (memchr(key->text, '\\', (size_t)key->length) != NULL) return false;
    for (int32_t other = object + 1; other < at; other = tokens[other + 1].next) {
      if (tokens[other].length == key->length &&
          memcmp(tokens[other].text, key->text, (size_t)key->length) == 0) {
        return false;
      }
    }
  }
  return true;
}

int muzero_rc_json_integer(const muzero_rc_json *json, int32_t token, int64_t low, int64_t high,
                           int64_t *value) {
  if (token < 0 || json->tokens[token].kind != MUZERO_RC_JSON_NUMBER) return -EINVAL;
  const char *text = json->tokens[token].text;
  int32_t length = json->tokens[token].length;
  const bool negative = *text == '-';
  int64_t magnitude = 0;
  if (negative) {
    text++;
    length--;
  }
  if (length > 18) return -EINVAL; /* keeps clear of overflow */
  for (int32_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return -EINVAL;
    magnitude = magnitude * 10 + (text[i] - '0');
  }
  *value = negative ? -magnitude : magnitude;
  return *value < low || *value > high ? -EINVAL : 0;
}

bool muzero_rc_json_equals(const muzero_rc_json *json, int32_t token, const char *text) {
  return token >= 0 && json->tokens[token].kind == MUZERO_RC_JSON_STRING &&
         same_text(&json->tokens[token], text);
}

static char *put_utf8(char *out, int32_t c) {
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  if (c < 0x800) {
    *out++ = (char)(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      *out++ = (char)(0xE0 | (c >> 12));
    } else {
      *out++ = (char)(0xF0 | (c >> 18));
      *out++ = (char)(0x80 | ((c >> 12) & 0x3F));
    }
    *out++ = (char)(0x80 | ((c >> 6) & 0x3F));
  }
  *out++ = (char)(0x80 | (c & 0x3F));
  return out;
}

int muzero_rc_json_string(const muzero_rc_json *json, int32_t token, char **text, size_t *length) {
  *text = NULL;
  if (token < 0 || json->tokens[token].kind != MUZERO_RC_JSON_STRING) return -EINVAL;
  const char *at = json->tokens[token].text;
  const char *end = at + json->tokens[token].length;
  char *out = malloc((size_t)(end - at) + 1); /* an escape is never shorter than its character */
  if (out == NULL) return -ENOMEM;
  *text = out;
  while (at < end) {
    if (*at != '\\') {
      *out++ = *at++;
    } else if (at[1] == 'u') {
      int used;
      out = put_utf8(out, escaped_character(at + 2, end, &used));
      at += 2 + used;
    } else {
      static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
      *out++ = meant[strchr(plain, at[1]) - plain];
      at += 2;
    }
  }
  *out = '\0';
  *length = (size_t)(out - *text);
  return 0;
}
