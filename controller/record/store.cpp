#include "controller/record/store.hpp"

#include <map>

namespace medius::record {

struct Store::Impl {
  StoreReport report;
  std::uint64_t last_id = 0;
  std::uint64_t sequence = 0;
  std::map<std::string, SessionRecord> sessions;
  std::map<std::string, SetRecord> sets;
  std::map<std::string, std::vector<rt::SampleRecord>> samples;
};

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

tl::expected<std::unique_ptr<Store>, StoreError> Store::open(const std::string& directory) {
  auto store = open_in_memory();
  (*store)->impl_->report.path = directory;
  return store;
}
tl::expected<std::unique_ptr<Store>, StoreError> Store::open_in_memory() {
  return std::unique_ptr<Store>(new Store(std::make_unique<Impl>()));
}
const StoreReport& Store::opening_report() const {
  return impl_->report;
}
tl::expected<void, StoreError> Store::put_session(const SessionRecord& session) {
  impl_->sessions[session.id] = session;
  return {};
}
tl::expected<void, StoreError> Store::open_set(const SetRecord& set) {
  impl_->sets[set.id] = set;
  return {};
}
tl::expected<void, StoreError> Store::add_rep(const std::string& set_id,
                                              const measure::RepMetrics& rep) {
  impl_->sets[set_id].reps.push_back(rep);
  return {};
}
tl::expected<void, StoreError> Store::add_samples(const std::string& set_id,
                                                  std::span<const rt::SampleRecord> samples) {
  auto& kept = impl_->samples[set_id];
  kept.insert(kept.end(), samples.begin(), samples.end());
  return {};
}
tl::expected<StoredSet, StoreError> Store::close_set(const SetRecord& set) {
  impl_->sets[set.id] = set;
  return StoredSet{set, ++impl_->sequence};
}
std::vector<SessionRecord> Store::sessions(std::size_t limit, const std::string& before_id) {
  std::vector<SessionRecord> result;
  for (auto it = impl_->sessions.rbegin(); it != impl_->sessions.rend(); ++it) {
    if (!before_id.empty() && it->first >= before_id) continue;
    if (result.size() == limit) break;
    result.push_back(it->second);
  }
  return result;
}
std::optional<SessionRecord> Store::session(const std::string& id) {
  auto it = impl_->sessions.find(id);
  if (it == impl_->sessions.end()) return std::nullopt;
  return it->second;
}
std::vector<SetRecord> Store::sets_of(const std::string& session_id) {
  std::vector<SetRecord> result;
  for (const auto& [id, set] : impl_->sets)
    if (set.session_id == session_id) result.push_back(set);
  return result;
}
std::optional<SetRecord> Store::set(const std::string& id) {
  auto it = impl_->sets.find(id);
  if (it == impl_->sets.end()) return std::nullopt;
  return it->second;
}
tl::expected<std::vector<rt::SampleRecord>, StoreError> Store::samples(const std::string& set_id) {
  return impl_->samples[set_id];
}
tl::expected<std::string, StoreError> Store::next_id() {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(++impl_->last_id));
  return std::string(text);
}

}  // namespace medius::record
