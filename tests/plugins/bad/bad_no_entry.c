/* Exports the wrong name. */
#define BAD_ID "bad-no-entry"
#define BAD_ENTRY medius_entrance
#include "bad.h"
