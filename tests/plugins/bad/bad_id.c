/* An id that is no id. */
#define BAD_ID "Bad Profile"
#include "bad.h"
