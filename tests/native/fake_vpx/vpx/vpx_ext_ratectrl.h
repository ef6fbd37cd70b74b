/* Stands in for the header of libvpx 1.13, whose interface we do not know. */
#define VPX_EXT_RATECTRL_ABI_VERSION (6)
