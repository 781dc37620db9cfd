/* Wishes far more than any machine makes. */
#define BAD_ID "bad-huge"
#define BAD_STEP out->force = 1e9;
#include "bad.h"
