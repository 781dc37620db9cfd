/* Takes the id of a profile that exists. */
#define BAD_ID "constant-tension"
#include "bad.h"
