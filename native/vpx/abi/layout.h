/* The layouts of libvpx's external rate control interface (vpx_ext_ratectrl.h): its structs
 * changed with almost every release. One header of declarations of our own and one source a
 * layout; whoever registers callbacks sees this header only, and libvpx's own is never included.
 * `make test-libvpx` compares every declaration with the true headers. */
#ifndef MUZERO_RC_VPX_ABI_LAYOUT_H_
#define MUZERO_RC_VPX_ABI_LAYOUT_H_

#include <stdbool.h>

/* Of vpx/callbacks.h. */
struct muzero_rc_callbacks;

/* libvpx's vpx_rc_funcs_t, of whichever layout: large enough for every one. */
typedef union muzero_rc_vpx_funcs {
  void *align;
  unsigned char bytes[96];
} muzero_rc_vpx_funcs;

typedef struct muzero_rc_layout {
  /* Fills *funcs, libvpx's vpx_rc_funcs_t of this layout, with callbacks into `callbacks`. */
  void (*fill)(struct muzero_rc_callbacks *callbacks, void *funcs);
  bool by_index; /* it tells a frame's place in its GOP only, asks ahead, and knows no error */
} muzero_rc_layout;

extern const muzero_rc_layout muzero_rc_layout_1;  /* ABI 1: libvpx 1.10 to 1.12 */
extern const muzero_rc_layout muzero_rc_layout_6;  /* ABI 6: libvpx 1.13 */
extern const muzero_rc_layout muzero_rc_layout_7;  /* ABI 7: libvpx 1.14 */
extern const muzero_rc_layout muzero_rc_layout_9;  /* ABI 9, 10: libvpx 1.15 */
extern const muzero_rc_layout muzero_rc_layout_12; /* ABI 12: libvpx 1.16, 1.17 */

#endif /* MUZERO_RC_VPX_ABI_LAYOUT_H_ */
