/* Never comes back. */
#define BAD_ID "bad-hang"
#define BAD_STEP                             \
  for (volatile int forever = 1; forever;) { \
  }
#include "bad.h"
