#include "vpx/image.h"

#include <string.h>

static unsigned half(unsigned side) { return (side + 1) / 2; }

size_t muzero_rc_image_bytes(unsigned width, unsigned height) {
  return (size_t)width * height + 2 * (size_t)half(width) * half(height);
}

vpx_image_t muzero_rc_image_of(unsigned width, unsigned height, const uint8_t *frame) {
  unsigned char *const pixels = (unsigned char *)(uintptr_t)frame;
  const size_t luma = (size_t)width * height, chroma = (size_t)half(width) * half(height);
  return (vpx_image_t){.fmt = VPX_IMG_FMT_I420,
                       .w = width,
                       .h = height,
                       .d_w = width,
                       .d_h = height,
                       .x_chroma_shift = 1,
                       .y_chroma_shift = 1,
                       .bps = 12,
                       .bit_depth = 8,
                       .planes = {pixels, pixels + luma, pixels + luma + chroma},
                       .stride = {(int)width, (int)half(width), (int)half(width)}};
}

void muzero_rc_image_copy(const vpx_image_t *image, uint8_t *frame) {
  for (int plane = VPX_PLANE_Y; plane <= VPX_PLANE_V; ++plane) {
    const unsigned columns = plane == VPX_PLANE_Y ? image->d_w : half(image->d_w);
    const unsigned rows = plane == VPX_PLANE_Y ? image->d_h : half(image->d_h);
    const uint8_t *row = image->planes[plane];
    for (unsigned y = 0; y < rows; ++y, row += image->stride[plane], frame += columns)
      memcpy(frame, row, columns);
  }
}
