/* The layout of the plugin ABI as a table; see abi_layout.inc. */
#ifndef MEDIUS_TESTS_ABI_LAYOUT_H
#define MEDIUS_TESTS_ABI_LAYOUT_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct abi_layout_row {
  const char* name;
  unsigned long value;
} abi_layout_row;

extern const abi_layout_row abi_layout_c[];
extern const unsigned long abi_layout_c_count;

#ifdef __cplusplus
}
#endif

#define CONSTANT(name) {#name, +(name)},
#define SIZE(type) {"sizeof " #type, sizeof(type)},
#define OFFSET(type, member) {#type "." #member, offsetof(type, member)},

#endif
