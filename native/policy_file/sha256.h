/* SHA-256 (FIPS 180-4), to name a policy file as sha256sum does. */
#ifndef MUZERO_RC_POLICY_FILE_SHA256_H_
#define MUZERO_RC_POLICY_FILE_SHA256_H_

#include <stddef.h>
#include <stdint.h>

/* out: 64 hexadecimal digits and a zero. */
void muzero_rc_sha256(const uint8_t *bytes, size_t size, char out[65]);

#endif /* MUZERO_RC_POLICY_FILE_SHA256_H_ */
