/* Wishes a force that is not a number. */
#define BAD_ID "bad-nan"
#define BAD_STEP out->force = __builtin_nan("");
#include "bad.h"
