/* Writes through a null pointer. */
#define BAD_ID "bad-crash"
#define BAD_STEP                         \
  volatile double* volatile nowhere = 0; \
  *nowhere = in->base_force;
#include "bad.h"
