/* A bound that is not a number. */
#define BAD_ID "bad-param-nan"
#define BAD_PARAMS {2, 0, "ratio", "1", "No bound.", 0.5, __builtin_nan(""), 1.0, 1.0, 0.0},
#include "bad.h"
