/* A default beyond what a user may set. */
#define BAD_ID "bad-param-order"
#define BAD_PARAMS \
  {2, MEDIUS_PARAM_THERAPIST, "ratio", "1", "Out of order.", 0.5, 2.0, 1.8, 1.5, 0.0},
#include "bad.h"
