/* Symbol resolution: the functions of the libvpx that an encoder really belongs to. */
#ifndef MUZERO_RC_PLUGIN_RESOLVE_H_
#define MUZERO_RC_PLUGIN_RESOLVE_H_

#include <stdbool.h>

#include "vpx/libvpx_calls.h"

/* Fills *libvpx with the functions of the library that `iface` lies in, however
 * that was loaded, else with the next in the search order. NULL is fine.
 * Thread-safe. False when there is none. */
bool muzero_rc_libvpx_of(const vpx_codec_iface_t *iface, muzero_rc_libvpx *libvpx);

/* Whether the program has loaded a libvpx. */
bool muzero_rc_libvpx_is_there(void);

#endif /* MUZERO_RC_PLUGIN_RESOLVE_H_ */
