/* Two parameters with one id. */
#define BAD_ID "bad-param-twice"
#define BAD_PARAMS {1, 0, "ratio", "1", "The same id again.", 0.5, 2.0, 1.0, 2.0, 0.0},
#include "bad.h"
