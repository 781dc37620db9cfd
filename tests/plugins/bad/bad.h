/* A complete small profile in C with one fault. Each source sets what is wrong with it before the
 * include: BAD_ID            profile id BAD_STEP          statements at the end of step(); `in` and
 * `out` are in scope BAD_ABI           ABI version claimed BAD_PARAMS        initialisers of the
 * parameter table beyond the first Every profile has the parameter `after_steps`: the fault shows
 * from that step on (0: the first). */
#include "plugins/abi/medius/plugin.h"

#ifndef BAD_ABI
#define BAD_ABI MEDIUS_ABI_VERSION
#endif
#ifndef BAD_STEP
#define BAD_STEP
#endif
#ifndef BAD_PARAMS
#define BAD_PARAMS
#endif

static const medius_descriptor_t descriptor = {
    BAD_ABI, 3, BAD_ID, BAD_ID, "tests", "1.0.0", "A profile with a fault, for the tests."};

static double after_steps, steps;
static medius_plugin_t plugin;

static void bad_destroy(const medius_plugin_t* p) {
  (void)p;
}
static int32_t bad_activate(const medius_plugin_t* p, const medius_activation_t* a) {
  (void)p, (void)a;
  steps = 0.0;
  return 1;
}
static void bad_deactivate(const medius_plugin_t* p) {
  (void)p;
}
static void bad_reset(const medius_plugin_t* p) {
  (void)p;
  steps = 0.0;
}

static int32_t bad_step(const medius_plugin_t* p, const medius_step_in_t* in,
                        medius_step_out_t* out) {
  (void)p;
  out->force = in->base_force;
  if (steps < after_steps) {
    steps += 1.0;
    return MEDIUS_STEP_OK;
  }
  BAD_STEP
  return MEDIUS_STEP_OK;
}

static const medius_param_info_t infos[] = {{1, MEDIUS_PARAM_STEPPED, "after_steps", "1",
                                             "Steps before the fault.", 0.0, 1e9, 0.0, 1e9, 0.0},
                                            BAD_PARAMS};

static uint32_t bad_count(const medius_plugin_t* p) {
  (void)p;
  return (uint32_t)(sizeof(infos) / sizeof(infos[0]));
}
static int32_t bad_info(const medius_plugin_t* p, uint32_t index, medius_param_info_t* info) {
  if (index >= bad_count(p)) return 0;
  *info = infos[index];
  return 1;
}
static int32_t bad_get(const medius_plugin_t* p, uint32_t id, double* value) {
  uint32_t i;
  for (i = 0; i < bad_count(p); ++i) {
    if (infos[i].id == id) {
      *value = infos[i].default_value;
      return 1;
    }
  }
  return 0;
}
static int32_t bad_set(const medius_plugin_t* p, uint32_t id, double value) {
  (void)p;
  if (id == 1) after_steps = value;
  return 1;
}
static const medius_params_t params = {bad_count, bad_info, bad_get, bad_set};

static const void* bad_extension(const medius_plugin_t* p, const char* id) {
  static const char wanted[] = MEDIUS_EXT_PARAMS;
  uint32_t i;
  (void)p;
  for (i = 0; i < sizeof(wanted); ++i) {
    if (id[i] != wanted[i]) return 0;
  }
  return &params;
}

static const medius_descriptor_t* get_descriptor(uint32_t index) {
  return index == 0 ? &descriptor : 0;
}
static const medius_plugin_t* create(const medius_host_t* host, const char* id) {
  (void)host, (void)id;
  plugin.descriptor = &descriptor;
  plugin.destroy = bad_destroy;
  plugin.activate = bad_activate;
  plugin.deactivate = bad_deactivate;
  plugin.reset = bad_reset;
  plugin.step = bad_step;
  plugin.get_extension = bad_extension;
  return &plugin;
}

#ifndef BAD_ENTRY
#define BAD_ENTRY medius_entry
#endif
extern const medius_entry_t BAD_ENTRY;
MEDIUS_EXPORT const medius_entry_t BAD_ENTRY = {BAD_ABI, 1, get_descriptor, create};
