/* The header before anything else: it must stand alone. */
#include "plugins/abi/medius/plugin.h"
/* */
#include "tests/plugins/abi_layout.h"

const abi_layout_row abi_layout_c[] = {
#include "tests/plugins/abi_layout.inc"
};
const unsigned long abi_layout_c_count = sizeof(abi_layout_c) / sizeof(abi_layout_c[0]);
