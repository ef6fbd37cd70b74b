#include "bridge/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int muzero_rc_array_append(muzero_rc_array *array, size_t item_size, const void *items,
                           size_t count) {
  if (array->capacity - array->count < count) {
    size_t capacity = array->capacity ? 2 * array->capacity : 64;
    if (capacity < array->count + count) capacity = array->count + count;
    void *const data = realloc(array->data, capacity * item_size);
    if (!data) return -ENOMEM;
    array->data = data;
    array->capacity = capacity;
  }
  memcpy((char *)array->data + array->count * item_size, items, count * item_size);
  array->count += count;
  return 0;
}

void muzero_rc_array_close(muzero_rc_array *array) {
  free(array->data);
  *array = (muzero_rc_array){0};
}

void muzero_rc_packets_close(muzero_rc_array *packets) {
  muzero_rc_packet *const packet = packets->data;
  for (size_t i = 0; i < packets->count; ++i) free(packet[i].data);
  muzero_rc_array_close(packets);
}
