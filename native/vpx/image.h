/* Raw 4:2:0 frames: three planes one after the other, without padding; samples of more than 8 bits
 * in two bytes, the machine's order. `bit_depth` is 8, 10 or 12. */
#ifndef MUZERO_RC_VPX_IMAGE_H_
#define MUZERO_RC_VPX_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

#include "vpx/libvpx_types.h"

/* Bytes of a frame. */
size_t muzero_rc_image_bytes(unsigned width, unsigned height, int32_t bit_depth);

/* An image that points at the frame; vpx_img_wrap does not know such of odd widths. libvpx
 * only reads it. */
vpx_image_t muzero_rc_image_of(unsigned width, unsigned height, int32_t bit_depth,
                               const uint8_t *frame);

/* Copies an image whose samples have `bit_depth` bits, in one byte or in two, into an 8-bit frame,
 * [muzero_rc_image_bytes] of 8 bits: what is below the eighth bit is dropped. */
void muzero_rc_image_copy(const vpx_image_t *image, int32_t bit_depth, uint8_t *frame);

/* The same of one plane, VPX_PLANE_Y to VPX_PLANE_V; returns where its samples end. */
uint8_t *muzero_rc_image_plane(const vpx_image_t *image, int plane, int32_t bit_depth,
                               uint8_t *out);

#endif /* MUZERO_RC_VPX_IMAGE_H_ */
