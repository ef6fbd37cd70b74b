/* Raw 8-bit 4:2:0 frames: three planes one after the other, without padding. */
#ifndef MUZERO_RC_VPX_IMAGE_H_
#define MUZERO_RC_VPX_IMAGE_H_

#include <stddef.h>
#include <stdint.h>

#include "vpx/libvpx_types.h"

/* Bytes of a frame. */
size_t muzero_rc_image_bytes(unsigned width, unsigned height);

/* An image that points at the frame; vpx_img_wrap does not know such of odd widths. libvpx
 * only reads it. */
vpx_image_t muzero_rc_image_of(unsigned width, unsigned height, const uint8_t *frame);

/* Copies an image of this size into the frame, [muzero_rc_image_bytes]. */
void muzero_rc_image_copy(const vpx_image_t *image, uint8_t *frame);

#endif /* MUZERO_RC_VPX_IMAGE_H_ */
