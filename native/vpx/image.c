#include "vpx/image.h"

#include <string.h>

static unsigned half(unsigned side) { return (side + 1) / 2; }

static size_t sample_bytes(int32_t bit_depth) { return bit_depth > 8 ? 2 : 1; }

size_t muzero_rc_image_bytes(unsigned width, unsigned height, int32_t bit_depth) {
  const size_t samples = (size_t)width * height + 2 * (size_t)half(width) * half(height);
  return samples * sample_bytes(bit_depth);
}

vpx_image_t muzero_rc_image_of(unsigned width, unsigned height, int32_t bit_depth,
                               const uint8_t *frame) {
  unsigned char *const pixels = (unsigned char *)(uintptr_t)frame;
  const size_t bytes = sample_bytes(bit_depth);
  const size_t luma = bytes * width * height, chroma = bytes * half(width) * half(height);
  const int stride = (int)(bytes * width), half_stride = (int)(bytes * half(width));
  return (vpx_image_t){.fmt = bit_depth > 8 ? VPX_IMG_FMT_I42016 : VPX_IMG_FMT_I420,
                       .w = width,
                       .h = height,
                       .d_w = width,
                       .d_h = height,
                       .x_chroma_shift = 1,
                       .y_chroma_shift = 1,
                       .bps = (int)(12 * bytes),
                       .bit_depth = (unsigned)bit_depth,
                       .planes = {pixels, pixels + luma, pixels + luma + chroma},
                       .stride = {stride, half_stride, half_stride}};
}

static void narrow_row(const uint8_t *row, unsigned columns, int shift, uint8_t *out) {
  for (unsigned x = 0; x < columns; ++x) {
    uint16_t sample;
    memcpy(&sample, row + 2 * x, sizeof(sample));
    const unsigned narrow = (unsigned)sample >> shift;
    out[x] = (uint8_t)(narrow < 255 ? narrow : 255);
  }
}

uint8_t *muzero_rc_image_plane(const vpx_image_t *image, int plane, int32_t bit_depth,
                               uint8_t *out) {
  const unsigned columns = plane == VPX_PLANE_Y ? image->d_w : half(image->d_w);
  const unsigned rows = plane == VPX_PLANE_Y ? image->d_h : half(image->d_h);
  const uint8_t *row = image->planes[plane];
  for (unsigned y = 0; y < rows; ++y, row += image->stride[plane], out += columns) {
    if (image->fmt & VPX_IMG_FMT_HIGHBITDEPTH)
      narrow_row(row, columns, bit_depth - 8, out);
    else
      memcpy(out, row, columns);
  }
  return out;
}

void muzero_rc_image_copy(const vpx_image_t *image, int32_t bit_depth, uint8_t *frame) {
  for (int plane = VPX_PLANE_Y; plane <= VPX_PLANE_V; ++plane)
    frame = muzero_rc_image_plane(image, plane, bit_depth, frame);
}
