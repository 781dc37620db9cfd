/* Says that it failed. */
#define BAD_ID "bad-error"
#define BAD_STEP return MEDIUS_STEP_ERROR;
#include "bad.h"
