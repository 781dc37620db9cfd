/* Built for an ABI of the future. */
#define BAD_ID "bad-version"
#define BAD_ABI ((MEDIUS_ABI_MAJOR << 16) | (MEDIUS_ABI_MINOR + 1u))
#include "bad.h"
