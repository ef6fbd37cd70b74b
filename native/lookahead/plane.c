#include "lookahead/plane.h"

#include <string.h>

enum { BORDER = MUZERO_RC_PLANE_BORDER };

size_t muzero_rc_plane_bytes(int width, int height) {
  return (size_t)(width + 2 * BORDER) * (size_t)(height + 2 * BORDER);
}

muzero_rc_plane muzero_rc_plane_of(int width, int height, uint8_t *memory) {
  const ptrdiff_t stride = width + 2 * BORDER;
  return (muzero_rc_plane){.pixels = memory + BORDER * stride + BORDER,
                           .width = width,
                           .height = height,
                           .stride = stride};
}

/* Repeats the edge of the first columns x rows pixels to the end of the border. */
static void extend(muzero_rc_plane *plane, int columns, int rows) {
  for (int y = 0; y < rows; ++y) {
    uint8_t *const row = plane->pixels + y * plane->stride;
    memset(row - BORDER, row[0], BORDER);
    memset(row + columns, row[columns - 1], (size_t)(plane->width + BORDER - columns));
  }
  const size_t bytes = (size_t)plane->stride;
  const uint8_t *const first = plane->pixels - BORDER;
  const uint8_t *const last = first + (rows - 1) * plane->stride;
  for (int y = 1; y <= BORDER; ++y)
    memcpy(plane->pixels - BORDER - y * plane->stride, first, bytes);
  for (int y = rows; y < plane->height + BORDER; ++y)
    memcpy(plane->pixels - BORDER + y * plane->stride, last, bytes);
}

static void halve_row(const uint8_t *restrict upper, const uint8_t *restrict lower, int pairs,
                      uint8_t *restrict out) {
  for (int x = 0; x < pairs; ++x)
    out[x] =
        (uint8_t)((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) >> 2);
}

void muzero_rc_plane_halve(const uint8_t *luma, ptrdiff_t stride, int width, int height,
                           muzero_rc_plane *plane) {
  const int columns = (width + 1) / 2, rows = (height + 1) / 2;
  for (int y = 0; y < rows; ++y) {
    const uint8_t *const upper = luma + 2 * y * stride;
    const uint8_t *const lower = 2 * y + 1 < height ? upper + stride : upper;
    uint8_t *const out = plane->pixels + y * plane->stride;
    halve_row(upper, lower, width / 2, out);
    if (width % 2) out[columns - 1] = (uint8_t)((upper[width - 1] + lower[width - 1] + 1) >> 1);
  }
  extend(plane, columns, rows);
}

void muzero_rc_plane_shrink(const muzero_rc_plane *plane, muzero_rc_plane *coarse) {
  enum { FACTOR = MUZERO_RC_COARSE_FACTOR };
  for (int y = 0; y < coarse->height; ++y) {
    uint8_t *const out = coarse->pixels + y * coarse->stride;
    const uint8_t *const in = plane->pixels + FACTOR * y * plane->stride;
    for (int x = 0; x < coarse->width; ++x) {
      int sum = 0;
      for (int j = 0; j < FACTOR; ++j)
        for (int i = 0; i < FACTOR; ++i) sum += in[j * plane->stride + FACTOR * x + i];
      out[x] = (uint8_t)((sum + FACTOR * FACTOR / 2) / (FACTOR * FACTOR));
    }
  }
  extend(coarse, coarse->width, coarse->height);
}
