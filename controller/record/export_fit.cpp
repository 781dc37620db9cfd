// FIT activity files: protocol 2.0, as published at developer.garmin.com/fit. Messages and fields
// by their numbers in the public profile (Profile.xlsx of the FIT SDK).
#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>

#include "controller/base/clamp.hpp"
#include "controller/record/bytes.hpp"
#include "controller/record/export_binary.hpp"

namespace medius::record {
namespace {

// Seconds from 1970 to 1989-12-31T00:00:00Z, where FIT's time begins.
constexpr std::int64_t kFitEpochS = 631'065'600;
constexpr std::uint16_t kProfileVersion = 21'217;  // 21.217: the profile these numbers are of
constexpr std::uint8_t kProtocolVersion = 0x20;
constexpr std::uint16_t kManufacturerDevelopment = 255;
constexpr double kStandardGravity = 9.80665;  // m/s^2; CGPM 1901

enum BaseType : std::uint8_t {
  kEnum = 0x00,
  kUint8 = 0x02,
  kString = 0x07,
  kByte = 0x0D,
  kUint16 = 0x84,
  kUint32 = 0x86,
  kUint32z = 0x8C,
  kFloat64 = 0x89,
};

std::uint8_t size_of(BaseType type) {
  switch (type) {
    case kUint16:
      return 2;
    case kUint32:
    case kUint32z:
      return 4;
    case kFloat64:
      return 8;
    default:
      return 1;
  }
}

// The FIT SDK's CRC: 16 bits, polynomial 0xA001 reflected, a nibble at a time.
std::uint16_t fit_crc(std::string_view bytes) {
  constexpr std::array<std::uint16_t, 16> kTable{0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00,
                                                 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401,
                                                 0x5000, 0x9C01, 0x8801, 0x4400};
  std::uint16_t crc = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    for (const unsigned nibble : {byte & 0xFU, (byte >> 4) & 0xFU}) {
      const std::uint16_t low = kTable[crc & 0xF];
      crc = static_cast<std::uint16_t>((crc >> 4) & 0x0FFF);
      crc = static_cast<std::uint16_t>(crc ^ low ^ kTable[nibble]);
    }
  }
  return crc;
}

struct Field {
  std::uint8_t number;
  BaseType type;
  std::string bytes;
};

template <typename T>
Field field(std::uint8_t number, BaseType type, T value) {
  return {number, type, ByteWriter().put(value).take()};
}

// Zero-terminated; its length is the field's.
Field text(std::uint8_t number, std::string value) {
  value.resize(std::min<std::size_t>(value.size(), 60));
  value += '\0';
  return {number, kString, std::move(value)};
}

struct DeveloperField {
  std::uint8_t number;
  double value;
};

// Local message 0 is defined anew before each message: a few bytes more, and nothing to keep.
class FitWriter {
 public:
  void message(std::uint16_t number, const std::vector<Field>& fields,
               const std::vector<DeveloperField>& developer = {}) {
    ByteWriter out;
    out.put(static_cast<std::uint8_t>(developer.empty() ? 0x40 : 0x60))
        .put(std::uint8_t{0})
        .put(std::uint8_t{0})  // little-endian
        .put(number)
        .put(static_cast<std::uint8_t>(fields.size()));
    for (const Field& f : fields) {
      out.put(f.number)
          .put(static_cast<std::uint8_t>(f.bytes.size()))
          .put(static_cast<std::uint8_t>(f.type));
    }
    if (!developer.empty()) {
      out.put(static_cast<std::uint8_t>(developer.size()));
      for (const DeveloperField& f : developer) {
        out.put(f.number).put(size_of(kFloat64)).put(std::uint8_t{0});
      }
    }
    out.put(std::uint8_t{0});
    for (const Field& f : fields) out.raw(f.bytes);
    for (const DeveloperField& f : developer) out.put(f.value);
    bytes_ += out.take();
  }

  void write(std::ostream& out) const {
    std::string header = ByteWriter()
                             .put(std::uint8_t{14})
                             .put(kProtocolVersion)
                             .put(kProfileVersion)
                             .put(static_cast<std::uint32_t>(bytes_.size()))
                             .raw(".FIT")
                             .take();
    header += ByteWriter().put(fit_crc(header)).take();
    const std::string all = header + bytes_;
    out << all << ByteWriter().put(fit_crc(all)).take();
  }

 private:
  std::string bytes_;
};

std::uint32_t fit_time(std::int64_t unix_ns) {
  const std::int64_t seconds = unix_ns / 1'000'000'000 - kFitEpochS;
  return seconds > 0 ? static_cast<std::uint32_t>(seconds) : 0;
}

std::uint32_t milliseconds(std::int64_t from_ns, std::int64_t to_ns) {
  return to_ns > from_ns ? static_cast<std::uint32_t>((to_ns - from_ns) / 1'000'000) : 0;
}

struct FitExercise {
  const char* id;
  std::uint16_t category;
  std::uint16_t name;
};

// exercise_category and its exercise_name, the nearest that the profile has.
constexpr std::uint16_t kHipRaise = 10, kHipStability = 11, kLunge = 17, kPlank = 19, kSquat = 28;
constexpr std::uint16_t kUnknownCategory = 65534;
constexpr FitExercise kExercises[] = {
    {"cable-standing-abduction", kHipStability, 27},    // standing cable hip abduction
    {"cable-side-lying-abduction", kHipStability, 21},  // side lying leg raise
    {"cable-lateral-walk", kHipStability, 11},          // lateral walks with band at ankles
    {"band-lateral-walk", kHipStability, 11},
    {"standing-leg-lift", kHipStability, 28},  // standing hip abduction
    {"cable-step-up-abduction", kSquat, 66},   // step up
    {"band-squat", kSquat, 63},                // squats with band
    {"single-leg-squat", kSquat, 47},          // pistol squat
    {"single-leg-bridge", kHipRaise, 30},      // single leg hip raise
    {"glute-bridge-abduction", kHipRaise, 6},  // clam bridge
    {"clamshell", kHipRaise, 44},              // clams
    {"split-squat", kLunge, 18},               // dumbbell Bulgarian split squat
    {"side-plank-leg-lift", kPlank, 80},       // side plank with leg lift
};

FitExercise fit_exercise(const std::string& id) {
  for (const FitExercise& exercise : kExercises) {
    if (id == exercise.id) return exercise;
  }
  // Of those that have no name of their own (seated abduction, hip hike) the category.
  const bool hip = id == "seated-abduction" || id == "cable-hip-hike" ||
                   id.starts_with("test-");
  return {"", hip ? kHipStability : kUnknownCategory, 65535};
}

// Developer fields: what FIT has no field for, exactly as it was recorded.
enum DeveloperNumber : std::uint8_t { kLoadN = 0, kLoadNm = 1, kSide = 2, kPartialReps = 3 };

void describe_developer_fields(FitWriter& fit) {
  constexpr std::string_view kApplication = "medius-strength1";  // 16 bytes
  fit.message(207, {{1, kByte, std::string(kApplication)},
                    field(3, kUint8, std::uint8_t{0}),
                    field(2, kUint16, kManufacturerDevelopment)});
  struct Description {
    std::uint8_t number;
    const char* name;
    const char* unit;
  };
  for (const Description& d : {Description{kLoadN, "load", "N"},
                               {kLoadNm, "load_moment", "Nm"},
                               {kSide, "side", "1 left 2 right 3 both"},
                               {kPartialReps, "partial_reps", "1"}}) {
    fit.message(206, {field(0, kUint8, std::uint8_t{0}), field(1, kUint8, d.number),
                      field(2, kUint8, static_cast<std::uint8_t>(kFloat64)), text(3, d.name),
                      text(8, d.unit)});
  }
}

// One thing that was done, machine or not.
struct Done {
  std::int64_t start_ns = 0, end_ns = 0;
  std::string exercise;
  std::uint32_t reps = 0;
  const SetRecord* set = nullptr;  // null: without the machine
  Side side = Side::kNone;
};

std::vector<Done> all_done(std::span<const SetRecord> sets, std::span<const GuidedRecord> guided) {
  std::vector<Done> done;
  for (const SetRecord& set : sets) {
    if (set.end == SetEnd::kOpen) continue;
    done.push_back(
        {set.start_unix_ns, set.end_unix_ns, set.exercise_id, set.reps_counted, &set, set.side});
  }
  for (const GuidedRecord& one : guided) {
    if (one.end != GuidedEnd::kConfirmed) continue;
    done.push_back({one.start_unix_ns, one.end_unix_ns, one.exercise_id, one.reps_confirmed,
                    nullptr, one.side});
  }
  std::stable_sort(done.begin(), done.end(),
                   [](const Done& a, const Done& b) { return a.start_ns < b.start_ns; });
  return done;
}

// FIT has one weight of 1/16 kg: what a mass would weigh as much as. A moment is no weight.
std::uint16_t weight_of(const Done& one) {
  constexpr std::uint16_t kNone = 0xFFFF;
  if (one.set == nullptr || one.set->coordinate == hal::CoordinateKind::kLever) return kNone;
  const double sixteenths = clamped(one.set->load_end / kStandardGravity * 16.0, 0.0, 65534.0);
  return static_cast<std::uint16_t>(sixteenths + 0.5);
}

void write_set(FitWriter& fit, const Done& one, std::uint16_t index) {
  const FitExercise exercise = fit_exercise(one.exercise);
  std::vector<DeveloperField> developer;
  if (one.set != nullptr) {
    const bool lever = one.set->coordinate == hal::CoordinateKind::kLever;
    developer.push_back({lever ? kLoadNm : kLoadN, one.set->load_end});
    developer.push_back({kPartialReps, static_cast<double>(one.set->reps_partial)});
  }
  developer.push_back({kSide, static_cast<double>(one.side)});
  fit.message(225,
              {field(254, kUint32, fit_time(one.end_ns)), field(6, kUint32, fit_time(one.start_ns)),
               field(0, kUint32, milliseconds(one.start_ns, one.end_ns)),
               field(3, kUint16, static_cast<std::uint16_t>(std::min(one.reps, 65534U))),
               field(4, kUint16, weight_of(one)), field(5, kUint8, std::uint8_t{1}),
               field(7, kUint16, exercise.category), field(8, kUint16, exercise.name),
               field(9, kUint16, std::uint16_t{1}), field(10, kUint16, index)},
              developer);
}

void write_rest(FitWriter& fit, std::int64_t from_ns, std::int64_t to_ns, std::uint16_t index) {
  fit.message(225, {field(254, kUint32, fit_time(to_ns)), field(6, kUint32, fit_time(from_ns)),
                    field(0, kUint32, milliseconds(from_ns, to_ns)),
                    field(5, kUint8, std::uint8_t{0}), field(10, kUint16, index)});
}

}  // namespace

tl::expected<void, ExportError> write_session_fit(std::ostream& out, const SessionRecord& session,
                                                  std::span<const SetRecord> sets,
                                                  std::span<const GuidedRecord> guided) {
  const std::vector<Done> done = all_done(sets, guided);
  if (done.empty()) {
    return tl::unexpected(ExportError{"session " + session.id +
                                      ": no set was closed and no exercise confirmed, and a FIT "
                                      "activity needs one; export JSON instead"});
  }
  const std::int64_t start = std::min(session.start_unix_ns, done.front().start_ns);
  std::int64_t end = session.end_unix_ns;
  for (const Done& one : done) end = std::max(end, one.end_ns);
  FitWriter fit;
  fit.message(0, {field(0, kEnum, std::uint8_t{4}), field(1, kUint16, kManufacturerDevelopment),
                  field(2, kUint16, std::uint16_t{1}), field(3, kUint32z, std::uint32_t{1}),
                  field(4, kUint32, fit_time(start))});
  describe_developer_fields(fit);
  const auto timer = [&fit](std::int64_t at_ns, std::uint8_t type) {
    fit.message(21, {field(253, kUint32, fit_time(at_ns)), field(0, kEnum, std::uint8_t{0}),
                     field(1, kEnum, type)});
  };
  timer(start, 0);
  std::uint16_t index = 0;
  std::int64_t previous_end = 0;
  for (const Done& one : done) {
    if (previous_end != 0 && one.start_ns - previous_end >= 1'000'000'000) {
      write_rest(fit, previous_end, one.start_ns, index++);
    }
    write_set(fit, one, index++);
    previous_end = std::max(previous_end, one.end_ns);
  }
  std::uint16_t title = 0;
  std::vector<std::string> titled;
  for (const Done& one : done) {
    if (std::find(titled.begin(), titled.end(), one.exercise) != titled.end()) continue;
    titled.push_back(one.exercise);
    const FitExercise exercise = fit_exercise(one.exercise);
    fit.message(264, {field(254, kUint16, title++), field(0, kUint16, exercise.category),
                      field(1, kUint16, exercise.name), text(2, one.exercise)});
  }
  timer(end, 4);
  const std::uint32_t elapsed = milliseconds(start, end);
  const std::vector<Field> common{
      field(254, kUint16, std::uint16_t{0}), field(253, kUint32, fit_time(end)),
      field(2, kUint32, fit_time(start)), field(7, kUint32, elapsed), field(8, kUint32, elapsed)};
  std::vector<Field> lap = common;
  lap.push_back(field(0, kEnum, std::uint8_t{9}));
  lap.push_back(field(1, kEnum, std::uint8_t{1}));
  lap.push_back(field(25, kEnum, std::uint8_t{10}));
  fit.message(19, lap);
  std::vector<Field> whole = common;
  whole.push_back(field(0, kEnum, std::uint8_t{8}));
  whole.push_back(field(1, kEnum, std::uint8_t{1}));
  whole.push_back(field(5, kEnum, std::uint8_t{10}));
  whole.push_back(field(6, kEnum, std::uint8_t{20}));
  whole.push_back(field(25, kUint16, std::uint16_t{0}));
  whole.push_back(field(26, kUint16, std::uint16_t{1}));
  fit.message(18, whole);
  fit.message(34, {field(253, kUint32, fit_time(end)), field(0, kUint32, elapsed),
                   field(1, kUint16, std::uint16_t{1}), field(2, kEnum, std::uint8_t{0}),
                   field(3, kEnum, std::uint8_t{26}), field(4, kEnum, std::uint8_t{1})});
  fit.write(out);
  return {};
}

}  // namespace medius::record
