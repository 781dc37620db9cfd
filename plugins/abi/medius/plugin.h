/* medius/plugin.h: the C ABI of resistance profiles, version 0.1. No dependencies but the C
 * library's integer types.
 *
 * A profile wishes a force; the controller's safety kernel has the last word. A profile is a shared
 * object that exports one symbol, `medius_entry`.
 *
 * Threads are roles, not OS threads; a role is held by at most one OS thread at a time per
 * instance: [control]  the one thread that loads, configures and destroys profiles; may block. It
 * may not allocate either: the host refuses a library that refers to malloc and its like, since it
 * cannot tell which function would call it. Keep instances in a static array. [rt]       the 1 kHz
 * loop: no heap, lock, system call, clock, I/O, exception or unbounded loop [any]      every
 * thread, also concurrently Life cycle: create -> inactive -> activate -> active -> deactivate ->
 * inactive -> destroy. Each function names the role and the state it needs.
 *
 * Quantities are in the axis' coordinate kind (see medius_coordinate_t). `step` must be a pure
 * function of the instance's state and its input: same state and inputs, same bits out.
 *
 * Growth: structs marked "may grow" start with their size and grow only at the tail; read a member
 * with MEDIUS_HAS. Everything else is frozen; new capability comes as a new extension id.
 * Version 0.x promises nothing; see plugins/abi/CHANGELOG.md.
 */
#ifndef MEDIUS_PLUGIN_H
#define MEDIUS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEDIUS_ABI_MAJOR 0u
#define MEDIUS_ABI_MINOR 1u
/* A host accepts a plugin of the same major; while major is 0, of the same minor too. */
#define MEDIUS_ABI_VERSION ((MEDIUS_ABI_MAJOR << 16) | MEDIUS_ABI_MINOR)

/* True if `ptr` (to a struct that may grow) is long enough to hold `member`. */
#define MEDIUS_HAS(ptr, type, member) \
  ((ptr)->size >= offsetof(type, member) + sizeof((ptr)->member))

/* What an axis moves in. */
typedef enum medius_coordinate {
  MEDIUS_COORDINATE_CABLE = 0, /* position m (paid out), velocity m/s, force N (tension)         */
  MEDIUS_COORDINATE_LEVER = 1  /* position rad (abduction), velocity rad/s, force Nm at the hip  */
} medius_coordinate_t;

/* Phase of the repetition, found by the host. */
typedef enum medius_phase {
  MEDIUS_PHASE_REST = 0,       /* no repetition under way                                */
  MEDIUS_PHASE_CONCENTRIC = 1, /* the person moves the load out                          */
  MEDIUS_PHASE_HOLD = 2,       /* still at the peak                                      */
  MEDIUS_PHASE_ECCENTRIC = 3,  /* the load moves the person back                         */
  MEDIUS_PHASE_BOTTOM = 4      /* between eccentric and the next concentric              */
} medius_phase_t;

/* A parameter change, applied by step() before it computes its output. The host has checked the
 * range. Events are ordered; all of one call belong to the same tick. */
typedef struct medius_param_event {
  uint32_t param_id;
  uint32_t reserved; /* 0 */
  double value;      /* in the parameter's unit, within [min, max] */
} medius_param_event_t;

#define MEDIUS_EVENTS_MAX 32u

/* Input of one tick. May grow. Pointers are valid until step() returns. */
typedef struct medius_step_in {
  uint32_t size;        /* sizeof as the host knows it                                           */
  uint32_t phase;       /* medius_phase_t                                                        */
  uint64_t tick;        /* period count                                                          */
  double dt_s;          /* constant period                                                       */
  double base_force;    /* N|Nm: the set's load, already gated and ramped by the host, >= 0      */
  double position;      /* m|rad from the bottom of the repetition (negative below it)           */
  double velocity;      /* m/s|rad/s, observer's estimate, > 0 concentric                        */
  double acceleration;  /* m/s^2|rad/s^2, observer's estimate                                    */
  double force;         /* N|Nm measured at the load cell                                        */
  double range;         /* m|rad reference range of motion; 0 = not known yet                    */
  uint32_t repetition;  /* completed repetitions of the set                                      */
  uint32_t event_count; /* number of entries in `events`, at most MEDIUS_EVENTS_MAX              */
  const medius_param_event_t* events;
} medius_step_in_t;

/* Output of one tick. May grow. The host zeroes it before the call. */
typedef struct medius_step_out {
  uint32_t size;
  uint32_t reserved;
  double force; /* N|Nm wished at the handle, finite, >= 0 */
} medius_step_out_t;

typedef enum medius_step_status {
  MEDIUS_STEP_OK = 0,
  MEDIUS_STEP_ERROR = 1 /* the host falls back to base_force, unloads and latches the profile off */
} medius_step_status_t;

/* What holds from activate() to deactivate(). May grow. */
typedef struct medius_activation {
  uint32_t size;
  uint32_t coordinate; /* medius_coordinate_t                            */
  double dt_s;         /* constant period                                */
  double force_max;    /* N|Nm the machine will render at the most       */
  double velocity_max; /* m/s|rad/s the machine allows at the most       */
} medius_activation_t;

typedef struct medius_descriptor {
  uint32_t abi_version; /* MEDIUS_ABI_VERSION the plugin was built with        */
  uint32_t coordinates; /* bit mask: 1 << medius_coordinate_t it supports      */
  const char* id;       /* stable, kebab-case, e.g. "constant-tension"         */
  const char* name;     /* for people, UTF-8                                   */
  const char* vendor;
  const char* version;     /* of the plugin, e.g. "1.0.0"                         */
  const char* description; /* one sentence                                        */
} medius_descriptor_t;

typedef struct medius_plugin medius_plugin_t;
/* An instance. The function table may be shared by instances. Frozen. */
struct medius_plugin {
  const medius_descriptor_t* descriptor;
  void* instance; /* the plugin's own */
  /* [control, inactive] Frees the instance. */
  void (*destroy)(const medius_plugin_t* plugin);
  /* [control, inactive] Returns 0 and stays inactive when it cannot run so. Keeps run-time state,
   * so that a loaded session goes on; a new instance starts clean, an old one is given reset(). */
  int32_t (*activate)(const medius_plugin_t* plugin, const medius_activation_t* activation);
  /* [control, active] */
  void (*deactivate)(const medius_plugin_t* plugin);
  /* [rt, active] Drops run-time state (filters, counters); parameter values stay. */
  void (*reset)(const medius_plugin_t* plugin);
  /* [rt, active] One tick. Returns a medius_step_status_t. */
  int32_t (*step)(const medius_plugin_t* plugin, const medius_step_in_t* in,
                  medius_step_out_t* out);
  /* [any] An extension's table by id, or NULL. */
  const void* (*get_extension)(const medius_plugin_t* plugin, const char* id);
};

/* What the host offers. Valid for the life of the instance. Frozen. */
typedef struct medius_host {
  uint32_t abi_version;
  uint32_t reserved;
  const char* name;
  const char* version;
  /* [any] A host extension's table by id, or NULL. */
  const void* (*get_extension)(const struct medius_host* host, const char* id);
} medius_host_t;

/* The one exported symbol. Frozen. */
typedef struct medius_entry {
  uint32_t abi_version;
  uint32_t plugin_count;
  /* [any] index < plugin_count, else NULL. The pointer stays valid for ever. */
  const medius_descriptor_t* (*descriptor)(uint32_t index);
  /* [control] A new inactive instance of the profile with exactly this id, or NULL. */
  const medius_plugin_t* (*create)(const medius_host_t* host, const char* id);
} medius_entry_t;

#define MEDIUS_ENTRY_SYMBOL "medius_entry"

/* A plugin defines, once:  MEDIUS_EXPORT const medius_entry_t medius_entry = {...};
 * The host looks the symbol up, so a plugin built with hidden visibility exports nothing else. */
#define MEDIUS_EXPORT __attribute__((visibility("default")))

/* ---- extension: parameters ---------------------------------------------------------------- */
#define MEDIUS_EXT_PARAMS "medius.params/1"

#define MEDIUS_PARAMS_MAX 16u /* a profile with more is refused */

enum {
  MEDIUS_PARAM_STEPPED = 1u << 0,       /* whole numbers only                                 */
  MEDIUS_PARAM_NEEDS_RESTART = 1u << 1, /* held back until the next activate                  */
  MEDIUS_PARAM_SLEW = 1u << 2,          /* the host ramps it: the plugin never sees a jump    */
  MEDIUS_PARAM_THERAPIST = 1u << 3      /* above `user_max` only a therapist may set it       */
};

typedef struct medius_param_info {
  uint32_t id; /* stable for ever                                               */
  uint32_t flags;
  const char* name;        /* snake_case with its unit as suffix, e.g. "eccentric_ratio"     */
  const char* unit;        /* UCUM, e.g. "N", "m", "1"                                       */
  const char* description; /* one sentence                                                   */
  double min;              /* finite, min <= default_value <= user_max <= max                */
  double max;
  double default_value;
  double user_max;   /* what anyone may set; = max unless MEDIUS_PARAM_THERAPIST       */
  double slew_per_s; /* with MEDIUS_PARAM_SLEW: unit per second                        */
} medius_param_info_t;

typedef struct medius_params {
  /* [any] */
  uint32_t (*count)(const medius_plugin_t* plugin);
  /* [any] Returns 0 if there is no such index. */
  int32_t (*info)(const medius_plugin_t* plugin, uint32_t index, medius_param_info_t* info);
  /* [control, inactive] Current value; returns 0 if there is no such id. */
  int32_t (*get)(const medius_plugin_t* plugin, uint32_t param_id, double* value);
  /* [control, inactive] Sets a value; returns 0 if id or value is not acceptable. While active,
   * values arrive as events inside step() and nowhere else. The plugin checks [min, max]; who may
   * exceed user_max is the host's business. */
  int32_t (*set)(const medius_plugin_t* plugin, uint32_t param_id, double value);
} medius_params_t;

/* ---- extension: state --------------------------------------------------------------------- */
#define MEDIUS_EXT_STATE "medius.state/1"

typedef enum medius_state_context {
  MEDIUS_STATE_PRESET = 0, /* parameter values                                       */
  MEDIUS_STATE_SESSION = 1 /* and run-time state, so that a set can be thawed        */
} medius_state_context_t;

typedef struct medius_ostream {
  void* context;
  /* Writes up to `size` bytes; returns how many, < 0 on error. May write fewer. */
  int64_t (*write)(const struct medius_ostream* stream, const void* data, uint64_t size);
} medius_ostream_t;

typedef struct medius_istream {
  void* context;
  /* Reads up to `size` bytes; returns how many, 0 at the end, < 0 on error. May read fewer. */
  int64_t (*read)(const struct medius_istream* stream, void* data, uint64_t size);
} medius_istream_t;

typedef struct medius_state {
  /* [control, inactive] The first bytes are a version. Returns 0 on failure. */
  int32_t (*save)(const medius_plugin_t* plugin, uint32_t state_context,
                  const medius_ostream_t* stream);
  /* [control, inactive] All or nothing: garbage returns 0 and changes nothing. */
  int32_t (*load)(const medius_plugin_t* plugin, uint32_t state_context,
                  const medius_istream_t* stream);
} medius_state_t;

/* ---- extension: motion -------------------------------------------------------------------- */
/* A profile with this extension commands motion: what it wishes each tick is a speed and the force
 * within which the machine may hold it. The machine resists and, inward, pulls; it never pays out
 * by itself. The machine runs the speed loop. Inward at force it moves only while somebody holds
 * the dead-man switch. step() of such a profile wishes force_max as its force; a host that does not
 * know this extension would render that as a constant load. */
#define MEDIUS_EXT_MOTION "medius.motion/1"

/* May grow. */
typedef struct medius_motion_wish {
  uint32_t size;
  uint32_t reserved; /* 0                                                                      */
  double velocity;   /* m/s|rad/s, > 0 outward: concentric not faster, < 0 inward: pulled back */
  double force_max;  /* N|Nm the machine may resist or pull with; beyond it the machine yields */
  double force_min;  /* N|Nm measured force below which nobody is pulled inward                */
} medius_motion_wish_t;

typedef struct medius_motion {
  /* [rt, active] What the last step() wished; the host zeroes `wish` and sets its size. Returns a
   * medius_step_status_t. Called once after each step() that returned MEDIUS_STEP_OK. */
  int32_t (*wish)(const medius_plugin_t* plugin, medius_motion_wish_t* wish);
} medius_motion_t;

#ifdef __cplusplus
}
#endif

#endif /* MEDIUS_PLUGIN_H */
