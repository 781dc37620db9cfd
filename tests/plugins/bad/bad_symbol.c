/* Takes memory in the loop. */
#include <stdlib.h>
#define BAD_ID "bad-symbol"
#define BAD_STEP                    \
  void* volatile leak = malloc(16); \
  (void)leak;
#include "bad.h"
